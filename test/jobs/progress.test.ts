import { beforeEach, describe, expect, test, vi } from 'vitest'
import { demo } from '../../src/providers/demo'
import { toldDemo } from '../support/grsai'
import { cancel, DRAWN, job, stand } from '../support/jobs'
import { team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

let acme: TestTeam
beforeEach(async () => {
  acme = await team('acme')
})

/** How far a job is, once anything is told of that. */
const percentOf = async (id: string): Promise<number | undefined> => (await stand(acme.key, id)).progress?.percent

/** Has the demo's next run say that it is at 10%, and, whatever became of it, at 70% as soon as it goes on. */
function late(): { goesOn: boolean; hasTold: boolean } {
  const run = { goesOn: false, hasTold: false }
  vi.spyOn(demo, 'generate').mockImplementationOnce(async function* () {
    try {
      yield { type: 'progress', percent: 10 }
      while (!run.goesOn) await new Promise((resolve) => setTimeout(resolve, 5))
      yield { type: 'progress', percent: 70 }
    } finally {
      run.hasTold = true
    }
  })
  return run
}

describe('how far an upstream says that it is', () => {
  test('is told in whole percent, where it is a percentage at all', async () => {
    const told = toldDemo()
    for (const percent of [Number.NaN, -5, 30.7]) told.at(percent)
    const id = await job(acme.key, DRAWN)
    await vi.waitUntil(async () => (await percentOf(id)) !== undefined)
    expect(await percentOf(id)).toBe(30)
    told.end()
  })

  test('is at most all of it', async () => {
    const told = toldDemo()
    told.at(150)
    const id = await job(acme.key, DRAWN)
    await vi.waitUntil(async () => (await percentOf(id)) === 100)
    told.end()
  })

  test('is not told of a run that began after that was cancelled', async () => {
    const stopped = late()
    const first = await job(acme.key, DRAWN)
    await vi.waitUntil(async () => (await percentOf(first)) === 10)
    await cancel(acme.key, first)
    const told = toldDemo()
    const id = await job(acme.key, DRAWN)
    stopped.goesOn = true
    await vi.waitUntil(() => stopped.hasTold)
    expect(await percentOf(id)).toBeUndefined()
    told.end()
  })
})
