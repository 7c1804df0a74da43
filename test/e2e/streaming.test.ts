import { OpenAI } from 'openai'
import { expect, test, vi } from 'vitest'
import { type StreamEvent, ask, errorOf, rest } from './support/requests.ts'
import { decoded, decodePng, pngFile, sha256 } from './support/pictures.ts'
import { served } from './support/served.ts'

const running = served()

const STREAMED = { model: 'gpt-image-2', stream: true, partial_images: 2 } as const

const pictureOf = (event: StreamEvent | undefined): Buffer => Buffer.from(event?.b64_json ?? '', 'base64')

const outcomeFor = async (prompt: string): Promise<string[]> =>
  (await running.upstream.callsFor(prompt)).map(({ outcome }) => outcome)

const generate = (prompt: string): Promise<AsyncIterable<OpenAI.ImageGenStreamEvent>> =>
  running.gateway.sdk().images.generate({ ...STREAMED, prompt })

/** The next event of a stream that is still going. */
async function next<Event>(stream: AsyncIterator<Event>): Promise<Event> {
  const { value, done } = await stream.next()
  return done ? expect.fail('the stream has ended') : value
}

test.concurrent('a generation arrives preview by preview, each while the upstream is still at work', async () => {
  const prompt = 'A sunrise @pace=4000 @bytes=200000'
  const stream = (await generate(prompt))[Symbol.asyncIterator]()
  for (const partial_image_index of [0, 1]) {
    const partial = await next(stream)
    expect(partial).toMatchObject({ type: 'image_generation.partial_image', partial_image_index })
    expect(decodePng(pictureOf(partial))).toEqual({ width: 16, height: 16 })
    expect(await outcomeFor(prompt)).toEqual(['answering'])
  }
  const completed = await next(stream)
  expect(completed).toMatchObject({ type: 'image_generation.completed', size: '1024x1024' })
  expect(pictureOf(completed)).toHaveLength(200_000)
  expect((await stream.next()).done).toBe(true)
  expect(await outcomeFor(prompt)).toEqual(['answered'])
})

test.concurrent('an edit arrives preview by preview', async () => {
  const image = await pngFile('sky.png', 'sky', 50_000)
  const prompt = 'A redder sky @pace=3000'
  const edit = running.gateway.sdk().images.edit({ ...STREAMED, prompt, image })
  const stream = (await edit)[Symbol.asyncIterator]()
  expect(await next(stream)).toMatchObject({ type: 'image_edit.partial_image', partial_image_index: 0 })
  expect(await outcomeFor(prompt)).toEqual(['answering'])
  const events = [await next(stream), await next(stream)]
  expect(events.map(({ type }) => type)).toEqual(['image_edit.partial_image', 'image_edit.completed'])
  expect(decodePng(pictureOf(events[1]))).toEqual({ width: 16, height: 16 })
})

test.concurrent('a request that joins late gets the newest preview and the same picture, for one call', async () => {
  const prompt = 'A sunset @pace=4000'
  const first = (await generate(prompt))[Symbol.asyncIterator]()
  const seen = [await next(first), await next(first)]
  const late = await rest(await generate(prompt))
  expect(late.map(({ type }) => type)).toEqual(['image_generation.partial_image', 'image_generation.completed'])
  expect(late[0]).toMatchObject({ partial_image_index: 1 })
  expect(late[0]?.b64_json).toBe(seen[1]?.b64_json)
  expect((await next(first)).b64_json).toBe(late[1]?.b64_json)
  expect(await outcomeFor(prompt)).toEqual(['answered'])
})

test.concurrent('a stream of a stored picture is its completed event alone, with the same bytes', async () => {
  const prompt = 'A moonrise @bytes=100000'
  const made = await rest(await generate(prompt))
  expect(made.map(({ type }) => type)).toEqual([
    'image_generation.partial_image',
    'image_generation.partial_image',
    'image_generation.completed',
  ])
  const again = await rest(await generate(prompt))
  expect(again.map(({ type }) => type)).toEqual(['image_generation.completed'])
  const whole = decoded(await running.gateway.sdk().images.generate({ model: 'gpt-image-2', prompt }))
  expect([made[2], again[0]].map((event) => sha256(pictureOf(event)))).toEqual(
    [0, 0].map(() => sha256(whole[0] ?? Buffer.of())),
  )
  expect(await outcomeFor(prompt)).toEqual(['answered'])
})

test.concurrent('a stream without its client is finished, and the retry costs nothing', async () => {
  const prompt = 'A moonset @pace=2000'
  const stream = await running.gateway.sdk().images.generate({ ...STREAMED, prompt })
  for await (const { type } of stream) {
    expect(type).toBe('image_generation.partial_image')
    break
  }
  await vi.waitFor(async () => expect(await outcomeFor(prompt)).toEqual(['answered']), { timeout: 60_000 })
  expect((await rest(await generate(prompt))).at(-1)?.type).toBe('image_generation.completed')
  expect(await outcomeFor(prompt)).toHaveLength(1)
})

test('the client raises a failure after a preview as an error with its message', async () => {
  const prompt = 'An eclipse @pace=1000 @fault=error-inside'
  const stream = (await generate(prompt))[Symbol.asyncIterator]()
  expect((await next(stream)).type).toBe('image_generation.partial_image')
  const error = await errorOf(rest({ [Symbol.asyncIterator]: () => stream }))
  expect(error).toBeInstanceOf(OpenAI.APIError)
  expect(error).toMatchObject({ type: 'server_error', message: expect.stringContaining('upstream') })
  expect(String(error)).not.toContain('terminated')
})

test.concurrent('a failure before anything is streamed is an error with its status', async () => {
  const error = await errorOf(generate('A dust storm @fault=moderation'))
  expect(error).toBeInstanceOf(OpenAI.BadRequestError)
  expect(error).toMatchObject({ status: 400, code: 'moderation_blocked' })
})

test('an answer that breaks off in a preview is requested once more', async () => {
  const prompt = 'A comet @once=cut-partial'
  const events = await rest(await generate(prompt))
  expect(events.at(-1)?.type).toBe('image_generation.completed')
  expect(decodePng(pictureOf(events.at(-1)))).toEqual({ width: 16, height: 16 })
  expect(await running.upstream.callsFor(prompt)).toHaveLength(2)
})

test.concurrent('a plain answer and a stream of the same picture share one call', async () => {
  const prompt = 'An aurora @pace=3000'
  const stream = (await generate(prompt))[Symbol.asyncIterator]()
  const partial = await next(stream)
  const plain = ask(running.gateway, { body: { prompt, quality: undefined, size: undefined } })
  const events = await rest({ [Symbol.asyncIterator]: () => stream })
  const answer: OpenAI.ImagesResponse = JSON.parse(await (await plain).text())
  expect(answer.data?.[0]?.b64_json).toBe(events.at(-1)?.b64_json)
  expect(answer.data?.[0]?.b64_json).not.toBe(partial.b64_json)
  expect(await outcomeFor(prompt)).toEqual(['answered'])
})
