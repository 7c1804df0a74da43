import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { KEY, knock, post } from '../support/gateway'
import { chatChunk, chatCompletion, errorBody, imagesEvent, imagesResponse, modelsPage } from '../support/openai-schema'
import { dataUrlOf, picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

upstreams()

const MODELS = ['gpt-image-2', 'gpt-image-1.5', 'gpt-image-2.5-flare', 'gpt-image-2.6-sunburst', 'dall-e-3']

/** The breaches of a schema, as paths with a reason. */
const breaches = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`)

/** The data of each event but the mark at the end. */
const eventsOf = async (response: Response): Promise<unknown[]> =>
  Array.from((await response.text()).matchAll(/^data: (.+)$/gm), ([, data = '']) => data)
    .filter((data) => data !== '[DONE]')
    .map((data): unknown => JSON.parse(data))

describe.each(MODELS)('%s', (model) => {
  const asked = { model, prompt: 'A schema', size: '1024x1024' }

  test('answers a generation in the shape of the types of OpenAI, whole and streamed', async () => {
    const whole = await post('/v1/images/generations', { ...asked, n: 2 })
    expect(breaches(imagesResponse, await whole.json())).toEqual([])
    const linked = await post('/v1/images/generations', { ...asked, response_format: 'url' })
    expect(breaches(imagesResponse, await linked.json())).toEqual([])
    const events = await eventsOf(await post('/v1/images/generations', { ...asked, stream: true, partial_images: 1 }))
    expect(events.length).toBeGreaterThan(0)
    expect(events.flatMap((event) => breaches(imagesEvent('image_generation'), event))).toEqual([])
  })

  test('answers an edit in the shape of the types of OpenAI, whole and streamed', async () => {
    const images = [{ image_url: dataUrlOf(await picture('a schema')) }]
    const whole = await post('/v1/images/edits', { ...asked, images })
    expect(breaches(imagesResponse, await whole.json())).toEqual([])
    const events = await eventsOf(await post('/v1/images/edits', { ...asked, images, stream: true, partial_images: 1 }))
    expect(events.length).toBeGreaterThan(0)
    expect(events.flatMap((event) => breaches(imagesEvent('image_edit'), event))).toEqual([])
  })

  test('answers a chat in the shape of the types of OpenAI, whole and streamed', async () => {
    const chat = { model, messages: [{ role: 'user', content: 'A schema' }] }
    expect(breaches(chatCompletion, await (await post('/v1/chat/completions', chat)).json())).toEqual([])
    const events = await eventsOf(
      await post('/v1/chat/completions', { ...chat, stream: true, stream_options: { include_usage: true } }),
    )
    expect(events.length).toBeGreaterThan(1)
    expect(events.flatMap((event) => breaches(chatChunk, event))).toEqual([])
  })
})

test('models are listed in the shape of the types of OpenAI', async () => {
  const response = await knock('/v1/models', { headers: { authorization: `Bearer ${KEY}` } })
  expect(breaches(modelsPage, await response.json())).toEqual([])
})

test.each([
  ['a wrong parameter', '/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat', n: 99 }],
  ['an unknown model', '/v1/images/generations', { model: 'no-such-model', prompt: 'A cat' }],
  ['a blocked prompt', '/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat @fault=moderation' }],
  ['a chat without messages', '/v1/chat/completions', { model: 'gpt-image-2', messages: [] }],
  ['a response without an input', '/v1/responses', { model: 'gpt-5.2', tools: [{ type: 'image_generation' }] }],
])('a refusal of %s has the shape of an error of OpenAI', async (_, path, body) => {
  const response = await post(path, body)
  expect(response.status).toBeGreaterThanOrEqual(400)
  expect(breaches(errorBody, await response.json())).toEqual([])
})
