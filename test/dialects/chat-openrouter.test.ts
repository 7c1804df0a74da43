import * as errors from '@openrouter/sdk/models/errors'
import { describe, expect, test } from 'vitest'
import { addressIn, ask, ASKED, shown } from '../support/chat'
import { openai, post } from '../support/gateway'
import { openrouter } from '../support/openrouter'
import { CHAT, chunksOf, complete, pictureIn } from '../support/openrouter-chat'
import { ask as askForImage, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** The error that a call throws. */
const thrownBy = (request: Promise<unknown>): Promise<unknown> => request.catch((thrown: unknown) => thrown)

describe("OpenRouter's client", () => {
  test('reads a picture beside the text', async () => {
    const result = await complete()
    const { choices, model, usage } = result
    expect([choices.length, choices[0]?.finishReason, choices[0]?.message.content]).toEqual([1, 'stop', ''])
    expect(model).toBe('openai/gpt-image-2')
    expect(usage).toMatchObject({ completionTokens: 196, totalTokens: 196 + (usage?.promptTokens ?? NaN) })
    const linked = await openai().chat.completions.create(ASKED)
    expect(pictureIn(result)).toEqual(['image/png', await shown(addressIn(linked.choices[0]?.message.content))])
    expect(upstream.calls).toHaveLength(1)
  })

  test('reads a picture in the requested format', async () => {
    const [mediaType] = pictureIn(await complete({ imageConfig: { output_format: 'webp', quality: 'low' } }))
    expect(mediaType).toBe('image/webp')
    expect(upstream.calls[0]?.fields).toMatchObject({ output_format: 'webp', quality: 'low' })
  })

  test('sends an answer back for an edit', async () => {
    const result = await complete()
    const messages = [...CHAT.messages, ...result.choices.map(({ message }) => message)]
    await complete({ messages: [...messages, { role: 'user', content: 'Make it blue' }] })
    const [, bytes] = pictureIn(result)
    expect(upstream.calls[1]).toMatchObject({
      path: '/v1/images/edits',
      fields: { prompt: 'Make it blue' },
      files: [{ bytes: bytes.length }],
    })
  })

  test('reads a stream to its end', async () => {
    const chunks = await chunksOf({ streamOptions: { includeUsage: true } })
    expect(chunks.map(({ choices }) => choices[0]?.finishReason)).toEqual([null, null, 'stop', undefined])
    expect(chunks.at(-1)?.usage?.completionTokens).toBe(196)
  })
})

describe("OpenRouter's client throws an error of its own", () => {
  const saying = (content: string): Partial<typeof CHAT> => ({ messages: [{ role: 'user', content }] })

  test.each([
    ['a model without an upstream', { model: 'openai/gpt-image-0' }, errors.BadRequestResponseError, 400],
    ['an empty message', saying(' '), errors.BadRequestResponseError, 400],
    ['a prompt rejected for its content', saying('x @fault=moderation'), errors.ForbiddenResponseError, 403],
    ['an upstream that is busy', saying('x @fault=429'), errors.ServiceUnavailableResponseError, 503],
    ['an upstream that fails', saying('x @fault=500'), errors.BadGatewayResponseError, 502],
  ])('for %s', async (_, more, kind, code) => {
    const error = await thrownBy(complete(more))
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ error: { code, message: expect.stringMatching(/\w/) } })
  })

  test('for a used-up budget and for a wrong key', async () => {
    const { key } = await team('acme', { budget_usd: 0 })
    expect((await askForImage(key)).status).toBe(429)
    expect(await thrownBy(complete({}, openrouter({ apiKey: key })))).toBeInstanceOf(
      errors.PaymentRequiredResponseError,
    )
    expect(await thrownBy(complete({}, openrouter({ apiKey: 'x' })))).toBeInstanceOf(errors.UnauthorizedResponseError)
  })
})

test.each<[string, string, Record<string, unknown>, boolean]>([
  ["OpenRouter's route", '/api/v1/chat/completions', {}, true],
  ["OpenRouter's route, asked for text alone", '/api/v1/chat/completions', { modalities: ['text'] }, false],
  ["OpenAI's route", '/v1/chat/completions', {}, false],
  ["OpenAI's route, asked for images", '/v1/chat/completions', { modalities: ['image'] }, true],
  ["OpenAI's route, asked with image_config", '/v1/chat/completions', { image_config: { quality: 'low' } }, true],
])("an answer by %s has its picture in that route's place", async (_, path, more, isBeside) => {
  const response = await post(path, { ...ASKED, ...more })
  const { choices } = await response.json<{ choices: { message: { content: string; images?: unknown } }[] }>()
  const { content, images } = choices[0]?.message ?? {}
  const beside = [{ type: 'image_url', image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBOR/) } }]
  if (isBeside) expect([content, images]).toEqual(['', beside])
  else expect([addressIn(content), images]).toEqual([expect.stringMatching(/^https:/), undefined])
})

test('a picture beside the text is a link on request', async () => {
  const response = await ask({ modalities: ['image'], response_format: 'url' })
  const { choices } = await response.json<{ choices: { message: { images: { image_url: { url: string } }[] } }[] }>()
  await shown(choices[0]?.message.images[0]?.image_url.url ?? '')
})

describe("the usage of OpenRouter's chat", () => {
  // The schema of @openrouter/ai-sdk-provider 3.1.0 refuses an answer without these.
  const COUNTED = {
    prompt_tokens: 2,
    completion_tokens: 196,
    total_tokens: 198,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
    cost: 0.00589,
  }
  const ROUTE = '/api/v1/chat/completions'

  test('has the details that its provider of the AI SDK needs, and the cost in USD', async () => {
    expect(await (await post(ROUTE, ASKED)).json()).toMatchObject({ usage: COUNTED })
  })

  test('has both in a stream', async () => {
    const text = await (await post(ROUTE, { ...ASKED, stream: true, usage: { include: true } })).text()
    const told = text.split('\n\n').filter((event) => event.includes('"usage"'))
    expect(told.map((event): unknown => JSON.parse(event.replace('data: ', '')))).toMatchObject([{ usage: COUNTED }])
  })
})
