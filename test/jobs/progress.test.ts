import { beforeEach, describe, expect, test, vi } from 'vitest'
import { demoProvider } from '../../src/providers/demo'
import { toldDemo } from '../support/grsai'
import { cancel, DRAWN, job, jobState } from '../support/jobs'
import { team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

let acme: TestTeam
beforeEach(async () => {
  acme = await team('acme')
})

/** The progress of a job, once it has any. */
const percentOf = async (id: string): Promise<number | undefined> => (await jobState(acme.key, id)).progress?.percent

/** Makes the demo's next run report 10%, and 70% when it goes on, whatever its state. */
function late(): { goesOn: boolean; hasTold: boolean } {
  const run = { goesOn: false, hasTold: false }
  vi.spyOn(demoProvider, 'generate').mockImplementationOnce(async function* () {
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

describe("the upstream's progress", () => {
  test('is shown in whole percent if it is a percentage', async () => {
    const told = toldDemo()
    for (const percent of [Number.NaN, -5, 30.7]) told.at(percent)
    const id = await job(acme.key, DRAWN)
    await vi.waitUntil(async () => (await percentOf(id)) !== undefined)
    expect(await percentOf(id)).toBe(30)
    told.end()
  })

  test('is at most 100%', async () => {
    const told = toldDemo()
    told.at(150)
    const id = await job(acme.key, DRAWN)
    await vi.waitUntil(async () => (await percentOf(id)) === 100)
    told.end()
  })

  test('of a cancelled run is not shown for its successor', async () => {
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
