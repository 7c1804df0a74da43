import { expect, test } from 'vitest'
import { FakeGemini } from '../support/fake-gemini'
import { post } from '../support/gateway'
import { playingParts } from '../support/playing'

const upstream = new FakeGemini()
const models = ['gemini-3-pro-image', 'gemini-3.1-flash-lite-image', 'gemini-2.5-flash-image']
playingParts([
  { name: 'google', fake: upstream, setting: { models: models.map((name) => `${name}=${upstream.model}`) } },
])

/** The fake reports 12 tokens of text in, 11 of text, 100 of thoughts, and 1120 of the picture. */
test.each([
  ['gemini-3-pro-image', 12 * 2 + 111 * 12 + 1120 * 120],
  ['gemini-3.1-flash-lite-image', Math.round(12 * 0.25 + 111 * 1.5 + 1120 * 30)],
  ['gemini-2.5-flash-image', Math.round(12 * 0.3 + 111 * 2.5 + 1120 * 30)],
])('an answer of %s costs its inputs, texts and thoughts too', async (model, microUsd) => {
  const response = await post('/v1/images/generations', { model, prompt: 'A cat' })
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, (microUsd / 1e6).toFixed(6)])
})

test('a size at 1K is asked for by its ratio alone', async () => {
  const model = 'gemini-3.1-flash-lite-image'
  await post('/v1/images/generations', { model, prompt: 'A cat', size: '1376x768' })
  expect(upstream.sent[0]?.body).toMatchObject({ generationConfig: { imageConfig: { aspectRatio: '16:9' } } })
  expect(JSON.stringify(upstream.sent[0]?.body)).not.toContain('imageSize')
})
