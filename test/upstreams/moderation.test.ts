import { expect, test, vi } from 'vitest'
import { accounts, small, standingOf, times } from '../support/accounts'
import { errorOf } from '../support/gateway'
import { ask, team } from '../support/teams'

const fake = accounts([{ name: 'pair', secret: 'PAIR_KEYS', models: ['pair=relay-1'] }], { PAIR_KEYS: 'key-a, key-b' })

test("a team's content refusals leave the accounts ready for others", async () => {
  const [bold, meek] = [await team('bold'), await team('meek')]
  const blocked = times(24, 4, async (index) => {
    const { status, code } = await errorOf(await ask(bold.key, small('pair', `A fight ${index} @fault=moderation`)))
    return `${status} ${code}`
  })
  const served = times(12, 2, async (index) => (await ask(meek.key, small('pair', `A cat ${index}`))).status)
  expect(new Set(await blocked)).toEqual(new Set(['400 moderation_blocked']))
  expect(new Set(await served)).toEqual(new Set([200]))
  expect(fake.visits).toHaveLength(36)
  for (const account of [0, 1]) {
    const healthy = {
      cooling: { untilMs: 0, times: 0 },
      trouble: { failures: 0, weight: 0, openUntilMs: 0, openings: 0, cause: 'failures' },
      payers: {},
      probingUntilMs: 0,
      proven: true,
      models: {},
    }
    await vi.waitFor(async () => expect((await standingOf('pair', account)).health).toEqual(healthy))
  }
})
