import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { FakeGemini } from '../support/fake-gemini'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import { errorOf, post, postForm } from '../support/gateway'
import { internet } from '../support/internet'
import { playingParts } from '../support/playing'
import { dataUrlOf, picture } from '../support/pictures'

const [gemini, openai] = [new FakeGemini(), new FakeOpenaiProvider()]
/** A model of both upstreams; Gemini's has one quality. */
const both = 'gpt-image-1.5'
playingParts([
  { name: 'openai', fake: openai, setting: { models: [openai.model, both] } },
  { name: 'gemini', fake: gemini, setting: { models: [gemini.model, both] } },
])

const HEIC = Uint8Array.from(Buffer.from(`\0\0\0\x18ftypheic\0\0\0\0${'x'.repeat(40)}`, 'latin1'))
const model = 'gemini-nano-banana-2.1'

const edit = (image_url: string, more: object = {}, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/images/edits', { model, prompt: 'A cat', images: [{ image_url }], ...more }, headers)

test('an input picture of another kind is refused with its name, in a form too', async () => {
  const gif = new TextEncoder().encode('GIF89a and more')
  const message =
    'Invalid image file or mode for image 1, please check your image file. It is a GIF; send a PNG, JPEG or WebP.'
  const form = await postForm('/v1/images/edits', [
    ['model', model],
    ['prompt', 'A cat'],
    ['image', new File([gif], 'a.png', { type: 'image/png' })],
  ])
  for (const response of [form, await edit(dataUrlOf(gif))])
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'invalid_image_file', message })
  expect(gemini.sent).toEqual([])
})

test('a kind that the API of the upstream takes is passed on, as data and behind a URL', async () => {
  internet({ 'gemini.example.com': gemini, 'pictures.example.com': { handle: async () => new Response(HEIC) } })
  expect((await edit(dataUrlOf(HEIC))).status).toBe(200)
  expect((await edit('https://pictures.example.com/a', { prompt: 'A dog' })).status).toBe(200)
  const inlineData = { mimeType: 'image/heic', data: Buffer.from(HEIC).toString('base64') }
  for (const { body } of gemini.sent)
    expect(body).toMatchObject({ contents: [{ parts: expect.arrayContaining([{ inlineData }]) }] })
  expect(gemini.sent.length).toBe(2)
})

test('a kind that only other models take is refused before an upstream is asked', async () => {
  const message = expect.stringContaining('It is a HEIC, which this model does not take; send a PNG, JPEG or WebP.')
  expect(await errorOf(await edit(dataUrlOf(HEIC), { model: 'gpt-image-2' }))).toMatchObject({ status: 400, message })
  const cat = dataUrlOf(await picture('a cat'))
  for (const [param, name] of [
    ['mask', "'mask'"],
    ['images', 'image 2'],
  ] as const) {
    const heic = { image_url: dataUrlOf(HEIC) }
    const more = param === 'images' ? { images: [{ image_url: cat }, heic] } : { [param]: heic }
    const refusal = await errorOf(await edit(cat, { model: 'gpt-image-2', ...more }))
    expect(refusal).toMatchObject({ status: 400, param, message: expect.stringContaining(`mode for ${name}, please`) })
  }
  expect((await env.IMAGES.list({ prefix: 'inputs/' })).objects).toEqual([])
})

test('a kind that only an adapted request may have is refused under X-Strict', async () => {
  const more = { model: both, quality: 'high' }
  const refusal = await errorOf(await edit(dataUrlOf(HEIC), more, { 'x-strict': 'true' }))
  expect([refusal, gemini.sent]).toMatchObject([{ status: 400, param: 'quality' }, []])
  await edit(dataUrlOf(HEIC), more)
  expect([gemini.sent.length, openai.sent.length]).toEqual([1, 0])
})
