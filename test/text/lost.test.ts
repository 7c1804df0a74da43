import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { audit, used } from '../support/accounting'
import { chatUsage, json, textAnswer } from '../support/fake-text'
import { settings } from '../support/settings'
import { team, type TestTeam } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first, second } = texts()
settings({
  UPSTREAMS: JSON.stringify([
    {
      name: 'first',
      provider: 'openai',
      secret: 'FIRST_KEY',
      base_url: 'https://first.example.com/v1',
      models: ['gpt-5.2', 'brief=gpt-5.2'],
      prices: { 'gpt-5.2': { text_in: 2, text_out: 10 }, brief: { text_in: 2, text_out: 10 } },
    },
    {
      name: 'second',
      provider: 'openai',
      secret: 'TWO_KEYS',
      base_url: 'https://second.example.com/v1',
      models: ['gpt-5.2=gpt-5.2-eu'],
      priority: 1,
      prices: { 'gpt-5.2': { text_in: 4, text_out: 20 } },
    },
  ]),
})

/** The time of a late answer, in ms. A broken connection may be billed after less. */
const LATE_MS = 7000

let acme: TestTeam
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  acme = await team('acme', { budget_usd: 10 })
})

/** At the prices of `first`, in micro-USD. */
const quoteOf = (asked: object): number => Math.ceil(JSON.stringify(asked).length / 3) * 2 + 4096 * 10
const ERROR = { message: 'Oops', type: 'server_error' }

const late = (answer: () => Response) => (): Response => {
  vi.setSystemTime(Date.now() + LATE_MS)
  return answer()
}
const nothing = (): Response => textAnswer('', 'application/json')
const broken = (): Response => {
  throw new TypeError('Network connection lost.')
}
const withTokens = (): Response => json({ error: ERROR, usage: chatUsage(1000, 200) })
const withUnknownUse = (): Response => json({ error: ERROR, usage: { cost: 0.24 } })

/** A request for a model that `first` alone serves. */
const BRIEF = { ...HELLO, model: 'brief' }
const booked = async (): Promise<unknown[]> => {
  const [row] = await audit('acme')
  return [row?.attempts, row?.cost_usd, row?.estimated_usd, row?.input_tokens, row?.output_tokens]
}
const usd = (micro: number): number => micro / 1e6

describe('a call for a text that may be billed, with its answer', () => {
  const quote = usd(quoteOf(BRIEF))

  test.each([
    ['late and empty, is booked at its quote', late(nothing), [1, quote, quote, null, null]],
    ['an error with tokens, is booked at those', withTokens, [1, 0.004, 0, 1000, 200]],
    ['an error with a use in another form, is booked at its quote', withUnknownUse, [1, quote, quote, null, null]],
  ])('%s, and its account is not asked again', async (_, answer, row) => {
    first.next(answer, answer)
    expect((await chat(BRIEF, acme.key)).status).toBe(502)
    expect(first.calls).toHaveLength(1)
    expect(await booked()).toEqual(row)
    expect(usd(await used('acme'))).toBe(row[1])
  })

  test('broken off late, is made once more, and both are booked', async () => {
    first.next(late(broken), late(broken))
    expect((await chat(BRIEF, acme.key)).status).toBe(502)
    expect(await booked()).toEqual([2, 2 * quote, 2 * quote, null, null])
  })

  test('broken off at once, costs nothing', async () => {
    first.next(broken, broken)
    expect((await chat(BRIEF, acme.key)).status).toBe(502)
    expect(await booked()).toEqual([2, 0, 0, null, null])
  })
})

test('an answer after a lost one costs both', async () => {
  first.next(late(nothing))
  second.next(() => json({ usage: chatUsage(1000, 200) }))
  const response = await chat(HELLO, acme.key)
  expect(response.headers.get('x-upstream')).toBe('second')
  await response.text()
  await vi.waitFor(async () => expect((await audit('acme'))[0]?.status).toBe('succeeded'))
  const quote = quoteOf(HELLO)
  expect(await booked()).toEqual([2, usd(quote + 8000), usd(quote), 1000, 200])
  expect([first.calls.length, second.calls.length]).toEqual([1, 1])
})

test('a call that may be billed is booked even if R2 does not return the body for the next', async () => {
  const get = env.IMAGES.get.bind(env.IMAGES)
  let isGone = false
  vi.spyOn(env.IMAGES, 'get').mockImplementation((sought: string) =>
    isGone ? Promise.reject(new Error('get: We encountered an internal error. (10001)')) : get(sought),
  )
  first.next(() => {
    isGone = true
    return late(nothing)()
  })
  const logged = vi.spyOn(console, 'log')
  const large = { ...HELLO, max_tokens: 10, messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }
  expect((await chat(large, acme.key)).status).toBe(503)
  const least = Math.ceil(JSON.stringify(large).length / 3) * 2 + 10 * 10
  expect(await booked()).toEqual([2, usd(least), usd(least), null, null])
  expect([first.calls.length, second.calls.length]).toEqual([1, 0])
  expect(logged.mock.calls.flat().join('\n')).toMatch(/"request-failed".*R2 failed/)
})
