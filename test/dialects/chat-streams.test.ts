import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { addressIn, ask, ASKED, type Chunk, framesOf, openai4, shown } from '../support/chat'
import { openai } from '../support/gateway'
import { settings } from '../support/settings'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1, DEMO_DELAY_MS: 400 })
const { upstream } = upstreams()

/** The demo draws it, the one upstream that reports its progress. */
const DRAWN = { ...ASKED, model: 'google/gemini-3-pro-image' }
const STREAM = { stream: true } as const

async function collect(stream: PromiseLike<AsyncIterable<Chunk>>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of await stream) chunks.push(chunk)
  return chunks
}

const textOf = (chunks: readonly Chunk[], index = 0): string =>
  chunks
    .flatMap(({ choices }) => choices.filter((each) => each.index === index).map(({ delta }) => delta.content ?? ''))
    .join('')

describe.each<[string, () => Promise<Chunk[]>, () => Promise<Chunk[]>]>([
  [
    'openai 7',
    () => collect(openai().chat.completions.create({ ...ASKED, ...STREAM, n: 2 })),
    () => collect(openai().chat.completions.create({ ...DRAWN, ...STREAM })),
  ],
  [
    'openai 4',
    () => collect(openai4().chat.completions.create({ ...ASKED, ...STREAM, n: 2 })),
    () => collect(openai4().chat.completions.create({ ...DRAWN, ...STREAM })),
  ],
])('the client of %s reads a stream', (_, two, drawn) => {
  test('of two choices, each a picture', async () => {
    const chunks = await two()
    expect(
      new Set(chunks.map(({ id, object, created, model }) => JSON.stringify([id, object, created, model]))).size,
    ).toBe(1)
    for (const index of [0, 1]) {
      const told = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
      expect(told[0]?.delta.role).toBe('assistant')
      expect(told.map(({ finish_reason }) => finish_reason).filter(Boolean)).toEqual(['stop'])
      await shown(addressIn(textOf(chunks, index)))
    }
    expect(upstream.calls).toHaveLength(1)
  })

  test('with progress before the picture', async () => {
    const text = textOf(await drawn())
    const told = [...text.matchAll(/^> (\d+)%$/gm)].map(([, percent]) => Number(percent))
    expect(told.length).toBeGreaterThan(0)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    await shown(addressIn(text))
  })
})

describe('the helper that assembles a stream', () => {
  test('has the picture, and the usage on request', async () => {
    const stream = openai().chat.completions.stream({ ...ASKED, stream_options: { include_usage: true } })
    const completion = await stream.finalChatCompletion()
    await shown(addressIn(completion.choices[0]?.message.content))
    expect(await stream.totalUsage()).toMatchObject({ completion_tokens: 196 })
  })

  test('has the picture from the cache, and no usage by default', async () => {
    const first = await openai().chat.completions.create(ASKED)
    const stream = openai().chat.completions.stream(ASKED)
    expect(addressIn(await stream.finalContent())).toBe(addressIn(first.choices[0]?.message.content))
    expect((await stream.finalChatCompletion()).usage).toBeUndefined()
    expect(upstream.calls).toHaveLength(1)
  })

  test('fails as its own client does after a failure in a stream', async () => {
    const messages = [{ role: 'user' as const, content: 'A cat @delay=300 @fault=500' }]
    const error: unknown = await openai()
      .chat.completions.stream({ ...ASKED, messages })
      .finalContent()
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ message: 'The upstream failed to make the image. Try again.', type: 'server_error' })
  })
})

test('a stream without progress reports its elapsed time, and ends with [DONE]', async () => {
  const messages = [{ role: 'user', content: 'A cat @delay=300' }]
  const response = await ask({ ...STREAM, messages, stream_options: { include_usage: true } })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  const text = await response.clone().text()
  expect(text).toMatch(/^data: .*\n\n(?:data: .*"content":"> \d+ s\\n".*\n\n)+data: /)
  const frames = await framesOf(response)
  expect(frames.pop()).toBe('[DONE]')
  const chunks = frames.map((frame): Chunk => JSON.parse(frame))
  const told = chunks.filter(({ choices: [choice] }) => !choice?.delta.content?.startsWith('> '))
  expect(told.map(({ choices: [choice], usage }) => choice?.delta ?? usage)).toEqual([
    { role: 'assistant', content: '' },
    { content: '\n' },
    { content: expect.stringMatching(/^!\[image\]\(https:/) },
    {},
    expect.objectContaining({ prompt_tokens: 4, completion_tokens: 196, total_tokens: 200 }),
  ])
})

test('a failure in a stream ends it with the error that its clients raise', async () => {
  const messages = [{ role: 'user', content: 'A cat @delay=300 @fault=500' }]
  const frames = await framesOf(await ask({ ...STREAM, messages }))
  const error = {
    message: 'The upstream failed to make the image. Try again.',
    type: 'server_error',
    param: null,
    code: null,
  }
  expect(JSON.parse(frames.at(-1) ?? '')).toEqual({ error })
})

test('a picture of base64 is streamed in one piece of Markdown', async () => {
  const chunks = (await framesOf(await ask({ ...STREAM, response_format: 'b64_json' }))).slice(0, -1)
  const text = textOf(chunks.map((chunk): Chunk => JSON.parse(chunk)))
  const linked = await openai().chat.completions.create(ASKED)
  const [, base64 = ''] = addressIn(text).split('data:image/png;base64,')
  expect(Uint8Array.fromBase64(base64)).toEqual(await shown(addressIn(linked.choices[0]?.message.content)))
})
