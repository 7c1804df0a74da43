import { ApiError } from '@google/genai'
import { describe, expect, test } from 'vitest'
import { gated } from '../support/billing-upstream'
import { google, google2, picturesOf, postGoogle } from '../support/google'
import { settings } from '../support/settings'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1 })
const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const bodyOf = (text: string, n = 1): unknown => ({
  contents: [{ role: 'user', parts: [{ text }] }],
  generationConfig: { candidateCount: n },
})
const streamed = (text: string, query: string, n?: number): Promise<Response> =>
  postGoogle(`${MODEL}:streamGenerateContent${query}`, bodyOf(text, n))

/** The fields of a message's part. */
interface Message {
  candidates?: { index: number }[]
  usageMetadata?: object
  promptFeedback?: { blockReason: string }
  error?: { code: number; message: string; status: string }
}

describe.each([
  ['3', google],
  ['2', google2],
])('version %s of the SDK of Google', (_, client) => {
  const read = async (contents: string): Promise<{ pictures: string[]; blocked: unknown[] }> => {
    const seen: { pictures: string[]; blocked: unknown[] } = { pictures: [], blocked: [] }
    for await (const chunk of await client().models.generateContentStream({ model: MODEL, contents })) {
      seen.pictures.push(...picturesOf(chunk))
      seen.blocked.push(...(chunk.promptFeedback ? [chunk.promptFeedback.blockReason] : []))
    }
    return seen
  }

  test('reads a stream that is silent for a while', async () => {
    expect((await read('A cat @delay=400')).pictures).toEqual([expect.stringMatching(/^iVBOR/)])
  })

  test('reads a slow answer', async () => {
    const answer = await client().models.generateContent({ model: MODEL, contents: 'A cat @delay=400' })
    expect(answer.data).toMatch(/^iVBOR/)
  })

  test('reads a failure in the middle of a stream', async () => {
    const failed = read('A cat @delay=400 @fault=500')
    await expect(failed).rejects.toThrow('got status: UNAVAILABLE')
    await expect(failed).rejects.toMatchObject({ name: 'ApiError', status: 502 })
  })

  test.each(['A cat @fault=moderation', 'A cat @delay=400 @fault=moderation'])(
    'reads a content refusal in a stream (%s)',
    async (prompt) => {
      expect(await read(prompt)).toEqual({ pictures: [], blocked: ['IMAGE_SAFETY'] })
    },
  )

  test('reads a failure before the stream begins', async () => {
    await expect(read('A cat @fault=500')).rejects.toMatchObject({ name: 'ApiError', status: 502 })
  })
})

test("a failure in a stream is the SDK's error class for one", async () => {
  const read = async (): Promise<void> => {
    const contents = 'A cat @delay=400 @fault=500'
    for await (const _ of await google().models.generateContentStream({ model: MODEL, contents }));
  }
  await expect(read()).rejects.toBeInstanceOf(ApiError)
})

describe('a stream of events', () => {
  test('has empty lines as a heartbeat, which no client takes for a message', async () => {
    const gate = gated(upstream)
    const response = await streamed('A cat', '?alt=sse')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const first = (await reader?.read())?.value
    expect([response.headers.get('content-type'), first]).toEqual(['text/event-stream', '\n\n'])
    gate.open()
    let rest = ''
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) rest += read.value
    expect(rest.trim()).toMatch(/^data: \{"candidates":.*\}$/)
    expect(rest).toMatch(/\}\n\n$/)
  })

  test('may come from the method without a stream', async () => {
    const response = await postGoogle(`${MODEL}:generateContent?alt=sse`, bodyOf('A cat'))
    expect([response.headers.get('content-type'), (await response.text()).trimStart().slice(0, 20)]).toEqual([
      'text/event-stream',
      'data: {"candidates":',
    ])
  })
})

describe('a stream without alt=sse is a list', () => {
  test.each(['A cat', 'A cat @delay=400'])('of its messages (%s)', async (prompt) => {
    const response = await streamed(prompt, '', 2)
    expect(response.headers.get('content-type')).toBe('application/json')
    const messages = await response.json<Message[]>()
    expect(messages.map(({ candidates }) => candidates?.map(({ index }) => index))).toEqual([[0], [1]])
    expect(messages.map(({ usageMetadata }) => usageMetadata !== undefined)).toEqual([false, true])
  })

  test('that ends with the failure of its run', async () => {
    const [message] = await (await streamed('A cat @delay=400 @fault=500', '')).json<Message[]>()
    expect(message?.error).toMatchObject({ code: 502, status: 'UNAVAILABLE' })
  })

  test.each(['A cat @fault=moderation', 'A cat @delay=400 @fault=moderation'])(
    'also of a content refusal (%s)',
    async (prompt) => {
      const [message] = await (await streamed(prompt, '?alt=json')).json<Message[]>()
      expect(message).toMatchObject({ promptFeedback: { blockReason: 'IMAGE_SAFETY' }, usageMetadata: {} })
    },
  )

  test('and other forms are refused', async () => {
    const response = await streamed('A cat', '?alt=proto')
    expect(await response.json()).toMatchObject({ error: { code: 400, message: expect.stringContaining("'proto'") } })
  })
})

test('a slow answer ends with its content refusal', async () => {
  const response = await postGoogle(`${MODEL}:generateContent`, bodyOf('A cat @delay=400 @fault=moderation'))
  expect([response.status, await response.json()]).toMatchObject([
    200,
    { promptFeedback: { blockReason: 'IMAGE_SAFETY' } },
  ])
})
