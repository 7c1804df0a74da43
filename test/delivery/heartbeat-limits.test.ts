import { expect, test, vi } from 'vitest'
import { gated } from '../support/billing-upstream'
import { at, NOON } from '../support/orders'
import { askWith, settings } from '../support/settings'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1, QUEUE_WAIT_SECONDS: 0.3, CACHE_SCOPE: 'shared' })
const { upstream } = upstreams()

/** Asks again without heartbeats, so that the status is the final one on any machine. */
const askAgain = (key: string, prompt: string): Promise<Response> =>
  askWith({ HEARTBEAT_AFTER_SECONDS: 0 }, key, { prompt })

test('a limit hit after the answer began reaches the retry of the same key alone', async () => {
  const [acme, other] = [await team('acme', { concurrency: 1 }), await team('other')]
  const gate = gated(upstream)
  const first = ask(acme.key, { prompt: 'A cat' })
  await vi.waitUntil(() => gate.held === 1)
  const second = await ask(acme.key, { prompt: 'A dog' })
  await expect(second.text()).rejects.toThrow(Error)
  gate.open()
  await (await first).text()
  expect((await askAgain(acme.key, 'A dog')).status).toBe(429)
  expect(await (await askAgain(other.key, 'A dog')).json()).toMatchObject({ data: [{}] })
})

test('a daily limit hit after the answer began reports the time until it resets', async () => {
  at(NOON)
  const { key } = await team('acme', { concurrency: 1, images_per_day: 2 })
  const gate = gated(upstream)
  const first = ask(key, { prompt: 'A cat' })
  await vi.waitUntil(() => gate.held === 1)
  const [second, third] = await Promise.all([ask(key, { prompt: 'A dog' }), ask(key, { prompt: 'A cow' })])
  gate.open()
  const texts = [await first, second, third].map((answer) => answer.text().catch(() => 'broken off'))
  expect((await Promise.all(texts)).filter((text) => text === 'broken off')).toHaveLength(1)
  const retries = await Promise.all(['A dog', 'A cow'].map((prompt) => askAgain(key, prompt)))
  const refused = retries.filter(({ status }) => status === 429)
  expect(refused.map(({ headers }) => Number(headers.get('retry-after')) > 60)).toEqual([true])
})
