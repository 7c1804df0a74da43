import { env } from 'cloudflare:workers'
import { runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { limitStatus } from '../support/accounting'
import { at, HOUR, NOON } from '../support/orders'
import { SteppedText } from '../support/stepped-text'
import { team } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first } = texts()

/** The end of the longest hold. */
const expiry = (): Promise<unknown> =>
  runInDurableObject(
    env.TEAMS.getByName('acme'),
    (_, { storage }) => storage.sql.exec('SELECT max(expires_ms) AS expiry FROM ledger').one()['expiry'],
  )

test('the place and the money of an answer are held for as long as its client reads it', async () => {
  const { setInterval } = globalThis
  vi.spyOn(globalThis, 'setInterval').mockImplementation((call, ms) => setInterval(call, Math.min(ms ?? 0, 20)))
  at(NOON)
  const { key } = await team('acme', { concurrency: 1, budget_usd: 1 })
  const stepped = new SteppedText(['data: {}\n\n'], 1)
  first.next(stepped.answer)
  const reader = (await chat({ ...HELLO, stream: true }, key)).body?.getReader()
  await reader?.read()
  at(NOON + HOUR)
  await vi.waitUntil(async () => Number(await expiry()) > NOON + HOUR)
  await ringTeam('acme')
  expect([(await limitStatus('acme', 'concurrency')).used, (await chat(HELLO, key)).status]).toEqual([1, 429])
  stepped.step()
  await reader?.read()
  await vi.waitFor(async () => expect((await limitStatus('acme', 'concurrency')).used).toBe(0))
})
