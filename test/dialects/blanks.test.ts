import { expect, test } from 'vitest'
import { post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'
import { deployment } from '../support/ways'

const { upstream } = upstreams()

const base = { model: 'gpt-image-2', prompt: 'A cat' }
const blankFields = { size: '', quality: '', user: '', background: '', output_format: '' }
const text = (content: unknown): object => ({ role: 'user', content })
const blankPart = { type: 'image_url', image_url: { url: '', detail: 'auto' } }

const BLANKS: [string, string, object][] = [
  ['a generation', '/v1/images/generations', { ...base, ...blankFields, response_format: '', n: '', style: '' }],
  ['a generation with no picture', '/v1/images/generations', { ...base, image: '' }],
  ['a generation with a list of no picture', '/v1/images/generations', { ...base, image: ['', ''] }],
  ['a generation at Azure', deployment('gpt-image-2', 'generations'), { ...base, ...blankFields, model: '' }],
  ['a picture at OpenRouter', '/api/v1/images', { ...base, size: '', aspect_ratio: '', resolution: '', user: '' }],
  [
    'a picture of no reference at OpenRouter',
    '/api/v1/images',
    { ...base, input_references: [{ type: 'image_url', image_url: { url: '' } }] },
  ],
  [
    'a chat completion',
    '/v1/chat/completions',
    {
      model: base.model,
      messages: [text('A cat')],
      image_config: { aspect_ratio: '', image_size: '' },
      ...blankFields,
    },
  ],
  [
    'a chat completion with a blank picture',
    '/v1/chat/completions',
    { model: base.model, messages: [text([blankPart, { type: 'text', text: 'A cat' }])] },
  ],
  [
    'a response',
    '/v1/responses',
    {
      model: 'gpt-5.5',
      instructions: '',
      previous_response_id: '',
      tools: [{ type: 'image_generation', model: base.model, size: '', input_image_mask: { image_url: '' } }],
      input: [
        text([
          { type: 'input_image', image_url: '' },
          { type: 'input_text', text: 'A cat' },
        ]),
      ],
    },
  ],
  [
    'contents for Gemini',
    '/v1beta/models/gpt-image-2:generateContent?alt=',
    {
      contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: '' } }, { text: 'A cat' }] }],
      generationConfig: { imageConfig: { aspectRatio: '', imageSize: '' } },
    },
  ],
  ['a drawing of GrsAI', '/v1/draw/nano-banana', { ...base, urls: [''], webHook: '', aspectRatio: '', mask: '' }],
  ["a picture of GrsAI's new generation", '/v1/api/generate', { ...base, images: [''], replyType: '', mask: '' }],
]

test.each(BLANKS)('%s has blanks for fields that are not set', async (_, path, body) => {
  const response = await post(path, body)
  expect([response.status, upstream.calls.map(({ path, fields }) => [path, fields['prompt']])]).toEqual([
    200,
    [['/v1/images/generations', 'A cat']],
  ])
})

test('the pictures beside blank ones keep their places', async () => {
  const [a, b] = [dataUrlOf(await picture('a')), dataUrlOf(await picture('b'))]
  const images = [{ image_url: '' }, { image_url: a }, { image_url: '' }, { image_url: b }]
  const alone = await post('/v1/images/edits', { ...base, images: [{ image_url: a }, { image_url: b }] })
  const among = await post('/v1/images/edits', { ...base, images, mask: { image_url: '' } })
  expect([alone.status, among.status, among.headers.get('x-cache')]).toEqual([200, 200, 'HIT'])
})
