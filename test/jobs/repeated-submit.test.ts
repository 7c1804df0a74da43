import { expect, test, vi } from 'vitest'
import { called, ended, job, jobState, startJob } from '../support/jobs'
import { holdReservations } from '../support/reservations'
import { interceptSubmissions } from '../support/submissions'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Loses the connection of the first call with a job before its team answers. The Worker calls again then. */
function loseFirstCall(): void {
  const held = holdReservations()
  interceptSubmissions(async (send, number) => {
    const answer = send()
    if (number > 1) {
      setTimeout(held.release, 100)
      return await answer
    }
    await vi.waitUntil(() => held.waiting() === 1)
    throw new Error('Network connection lost.')
  })
}

const ANEW = { 'cache-control': 'max-age=1' }

/** A finished job of a team without room for another one, in its queue too. */
async function full(): Promise<{ key: string; id: string }> {
  const { key } = await team('acme', { concurrency: 1, max_queued: 0 })
  const { id } = await ended(key, await job(key))
  await job(key, { prompt: 'A dog @delay=20000' })
  await called(upstream, 2)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5000 })
  return { key, id }
}

test('a refused job leaves the earlier job of its team as it was, also after a repeated submission', async () => {
  const { key, id } = await full()
  loseFirstCall()
  expect((await startJob(key, {}, ANEW)).status).toBe(429)
  vi.restoreAllMocks()
  expect(await jobState(key, id)).toMatchObject({ status: 'succeeded' })
  expect(upstream.calls).toHaveLength(2)
})
