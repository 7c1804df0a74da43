import { afterEach, describe, expect, test, vi } from 'vitest'
import { send } from '../../src/delivery/whole'
import { arriving } from '../../src/runtime/stall'
import { oneChunk, readStream } from '../../src/streams/bytes'
import { passBack } from '../../src/text/pass-back'
import { errorOf, KEY, knock, post } from '../support/gateway'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()
afterEach(() => vi.useRealTimers())

const stopClock = (): unknown => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

const MINUTE_MS = 60_000
/** The time of a copy on its way to the slowest client. */
const SECONDS = 5

describe('a client that stops reading', () => {
  test('has its image answer broken off after a minute', async () => {
    stopClock()
    const { readable, writable } = new IdentityTransformStream()
    const ended = vi.fn<() => void>()
    send(writable, async (client) => {
      await client.write(new Uint8Array(10)).finally(ended)
    })
    await vi.advanceTimersByTimeAsync(MINUTE_MS - 1)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalled()
    await expect(readable.getReader().read()).rejects.toThrow('connection lost')
  })

  test('of a copy has its answer broken off after the time of the slowest client', async () => {
    stopClock()
    const { readable, writable } = new IdentityTransformStream()
    const ended = vi.fn<() => void>()
    const copy = new Response(new Uint8Array(SECONDS * 8192)).body
    send(writable, async (client) => {
      if (copy) await client.pipe(copy, SECONDS * 8192).finally(ended)
    })
    await vi.advanceTimersByTimeAsync(MINUTE_MS + SECONDS * 1000 - 1)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalled()
    await expect(readable.getReader().read()).rejects.toThrow('connection lost')
  })

  test('counts as gone while its text is read to the end', async () => {
    stopClock()
    const { readable, writable } = new IdentityTransformStream()
    const begin = vi.fn<() => void>()
    const bytes = oneChunk(new TextEncoder().encode('data: {"usage":{"prompt_tokens":3}}\n\n'))
    const grace = { disconnected: new Promise<void>(() => {}), begin }
    const passed = passBack({ bytes, contentType: 'text/event-stream' }, writable, grace)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(await passed).toMatchObject({ usage: { input: 3 } })
    expect(begin).toHaveBeenCalled()
    await expect(readable.getReader().read()).rejects.toThrow('connection lost')
  })
})

/** A request with a body that begins and does not go on. */
function beginUpload(key: string): { response: Promise<Response>; end: () => void } {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  writer.write(new TextEncoder().encode('{"model":')).catch(() => {})
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = knock('/v1/images/edits', { method: 'POST', headers, body: readable })
  return { response, end: () => void writer.close().catch(() => {}) }
}

describe('an upload', () => {
  test('that stalls is let go of after a minute', async () => {
    stopClock()
    const stalled = new IdentityTransformStream().readable
    const read = arriving(readStream(stalled), () => new Error('stalled')).next()
    const refused = expect(read).rejects.toThrow('stalled')
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    await refused
  })

  test('of unknown length is one of eight of its key', async () => {
    const { key } = await team('acme')
    const other = await issue('acme')
    const begun = Array.from({ length: 9 }, () => beginUpload(key))
    const refused = await errorOf(await Promise.race(begun.map(({ response }) => response)))
    expect(refused).toMatchObject({ status: 429, message: expect.stringContaining('8 large requests') })
    const another = beginUpload(other.key)
    another.end()
    expect((await another.response).status).toBe(400)
    for (const { end } of begun) end()
    const answers = await Promise.all(begun.map(async ({ response }) => (await response).status))
    expect(answers.toSorted((a, b) => a - b)).toEqual([400, 400, 400, 400, 400, 400, 400, 400, 429])
    const next = beginUpload(key)
    next.end()
    expect((await next.response).status).toBe(400)
  })
})

test.each([
  ['tool_choice', { tool_choice: { type: 'image_generation', more: Array.from({ length: 200_000 }, () => 1) } }],
  ['instructions', { instructions: ' '.repeat(500_000) }],
  ['previous_response_id', { previous_response_id: 'x'.repeat(100_000) }],
])('a long %s, which an answer repeats, is refused', async (param, more) => {
  const response = await post(
    '/v1/responses',
    { model: 'gpt-image-2', input: 'A cat', ...more },
    { authorization: `Bearer ${KEY}` },
  )
  expect(await errorOf(response)).toMatchObject({ status: 400, param })
})
