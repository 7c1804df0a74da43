import { beforeEach, describe, expect, test, vi } from 'vitest'
import { accountStatusAt, finish, jobsUnderWay, oneAtATime, PRICE } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { playingParts } from '../support/playing'
import { team, type TestTeam } from '../support/teams'
import { deployed, type Recorded, reserveRecorded, rowOfRun, statusFor } from './stored-rows'

const fake = new FakeBlackForestLabs()
playingParts([{ name: 'wide', fake, setting: oneAtATime('wide', fake.model, { max_concurrency: 4 }) }])

let teams: { acme: TestTeam }
beforeEach(async () => {
  teams = { acme: await team('acme', { budget_usd: 1 }) }
})

/** Has the upstream know the job of the recorded call under way. */
function takeOver(name: Recorded): void {
  const run = JSON.stringify(rowOfRun(name))
  for (const [, id = ''] of run.matchAll(/get_result\?id=([\w-]+)/g))
    fake.jobs.set(id, {
      id,
      order: { prompt: 'A cat', fault: undefined, delayMs: 0 },
      readyMs: Date.now() + 600_000,
      looks: 0,
    })
}

describe.each(['job', 'resumed'] as const)(
  "a run that the release before stored with an upstream's job: %s",
  (name) => {
    test('asks about the job until it is done, and buys nothing', async () => {
      takeOver(name)
      await reserveRecorded(name, teams.acme)
      const generation = await deployed(name, teams)
      await vi.waitUntil(() => fake.sent.length > 0)
      expect(await statusFor(generation, 'acme')).toBe('running')
      expect(jobsUnderWay(fake)).toHaveLength(2)
      finish(fake)
      await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
      const seen = await generation.see('acme')
      expect([seen?.snapshot.images.length, fake.submits]).toEqual([2, 0])
      expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2, cost_usd: 2 * PRICE }])
      expect(await used('acme')).toBe(2 * micro(PRICE))
      await vi.waitUntil(async () => (await accountStatusAt('wide')).slots === 0)
    })
  },
)
