import { describe, expect, test, vi } from 'vitest'
import { audit, limitStatus, used } from '../support/accounting'
import { chatUsage, json } from '../support/fake-text'
import { KEY, knock } from '../support/gateway'
import { SteppedText } from '../support/stepped-text'
import { team } from '../support/teams'
import { HELLO, texts } from '../support/texts'

const { first } = texts()

const STREAM = [
  'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"lo"}}]}\n\n',
  `data: {"choices":[],"usage":${JSON.stringify(chatUsage(1000, 200))}}\n\n`,
]

const ASKED = JSON.stringify({ ...HELLO, stream: true })

/** Sends a request that the test can abort. */
function begin(key = KEY): { response: Promise<Response>; hangUp: () => void } {
  const gone = new AbortController()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: ASKED, signal: gone.signal }
  const response = knock('/v1/chat/completions', init)
  response.catch(() => {})
  return { response, hangUp: () => gone.abort() }
}

const settledAs = (facts: Record<string, unknown>): Promise<void> =>
  vi.waitFor(async () => expect(await audit('acme')).toMatchObject([facts]))

describe('a client that hangs up', () => {
  test('in the middle of its answer pays the price of the whole answer', async () => {
    const { key } = await team('acme', { budget_usd: 1, concurrency: 1 })
    const stepped = new SteppedText(STREAM, 1)
    first.next(stepped.answer)
    const { response, hangUp } = begin(key)
    await (await response).body?.getReader().read()
    hangUp()
    stepped.step(3)
    await settledAs({ status: 'succeeded', input_tokens: 1000, output_tokens: 200, cost_usd: 0.004 })
    expect([await used('acme'), (await limitStatus('acme', 'concurrency')).used]).toEqual([4000, 0])
  })

  test('that stops reading pays the same', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const stepped = new SteppedText(STREAM, 1)
    first.next(stepped.answer)
    const reader = (await begin(key).response).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    stepped.step(3)
    await settledAs({ status: 'succeeded', output_tokens: 200, cost_usd: 0.004 })
  })

  test('before its answer begins pays the same', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    first.next(async () => {
      await answered
      return json({ usage: chatUsage(1000, 200) })
    })
    const { hangUp } = begin(key)
    await vi.waitUntil(() => first.calls.length === 1)
    hangUp()
    resolve()
    await settledAs({ status: 'succeeded', output_tokens: 200, cost_usd: 0.004 })
  })

  test('of an answer that does not end in time pays at most the estimate, and reading stops', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const stepped = new SteppedText(STREAM, 1)
    const signals: AbortSignal[] = []
    first.next((_, { signal }) => {
      signals.push(signal)
      return stepped.answer()
    })
    const { response, hangUp } = begin(key)
    await (await response).body?.getReader().read()
    const { setTimeout } = globalThis
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms) => setTimeout(call, Math.min(ms ?? 0, 50)))
    hangUp()
    await settledAs({ status: 'cancelled', error: 'cancelled', output_tokens: null })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(await used('acme')).toBe(Math.ceil(ASKED.length / 3) * 2 + 4096 * 10)
  })

  test('of an answer that does not begin in time pays the same', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(() => new Promise<Response>(() => {}))
    const { hangUp } = begin(key)
    await vi.waitUntil(() => first.calls.length === 1)
    const { setTimeout } = globalThis
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms) => setTimeout(call, Math.min(ms ?? 0, 50)))
    hangUp()
    await settledAs({ status: 'cancelled', error: 'cancelled', attempts: 1, upstream: 'first' })
    expect(await used('acme')).toBe(Math.ceil(ASKED.length / 3) * 2 + 4096 * 10)
  })
})
