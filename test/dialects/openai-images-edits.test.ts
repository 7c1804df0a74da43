import { describe, expect, test } from 'vitest'
import { errorOf, KEY, knock, openai, post, postForm } from '../support/gateway'
import { internet } from '../support/internet'
import { upstreams } from '../support/upstreams'
import { picture, pictureFile } from '../support/pictures'

const { upstream } = upstreams()

const base = { model: 'gpt-image-2', prompt: 'A cat' }

describe('forms', () => {
  test.each([['image'], ['image[]'], ['image[0]']])('takes an edit with its image under %s', async (name) => {
    const parts: [string, string | File][] = [
      ['model', 'gpt-image-2'],
      ['prompt', 'Tidy up'],
      [name, await pictureFile('a')],
      ['n', '1'],
    ]
    expect((await postForm('/v1/images/edits', parts)).status).toBe(200)
    expect(upstream.calls[0]?.files.map((file) => file.name)).toEqual(['image'])
  })

  test('keeps numbered images in the order of their numbers', async () => {
    const [a, b] = [await pictureFile('a', 300), await pictureFile('b', 400)]
    await postForm('/v1/images/edits', [
      ['image[1]', b],
      ['image[0]', a],
      ['model', 'gpt-image-2'],
      ['prompt', 'Both'],
    ])
    expect(upstream.calls[0]?.files.map(({ bytes }) => bytes)).toEqual([300, 400])
  })

  test.each([
    ['images', 'x', 'images', "use 'image' or 'image[]'"],
    ['n', 'abc', 'n', 'got a string value that could not be converted into an integer'],
    ['stream', 'maybe', 'stream', 'expected a boolean'],
  ])('refuses %s=%s', async (name, value, param, message) => {
    const parts: [string, string | File][] = [
      ['model', 'gpt-image-2'],
      ['prompt', 'x'],
      ['image', await pictureFile('a')],
      [name, value],
    ]
    expect(await errorOf(await postForm('/v1/images/edits', parts))).toMatchObject({
      param,
      message: expect.stringContaining(message),
    })
  })

  test('refuses a file that is no image, by its number', async () => {
    const html = new File(['<html>'], 'b.png', { type: 'image/png' })
    const parts: [string, string | File][] = [
      ['image[]', await pictureFile('a')],
      ['image[]', html],
      ['model', 'gpt-image-2'],
      ['prompt', 'x'],
    ]
    expect(await errorOf(await postForm('/v1/images/edits', parts))).toEqual({
      status: 400,
      code: 'invalid_image_file',
      param: 'image[]',
      type: 'image_generation_user_error',
      message: expect.stringMatching(/^Invalid image file or mode for image 2, .*file\. It is a web page; send a PNG/),
    })
  })

  test('refuses more than sixteen images', async () => {
    const files = await Promise.all(
      Array.from({ length: 17 }, async (_, at): Promise<[string, File]> => ['image[]', await pictureFile(`${at}`)]),
    )
    const error = await errorOf(
      await postForm('/v1/images/edits', [['model', 'gpt-image-2'], ['prompt', 'x'], ...files]),
    )
    expect(error).toMatchObject({ status: 400, param: 'images', code: 'array_above_max_length' })
  })

  test('refuses a form that is cut short', async () => {
    const response = await knock('/v1/images/edits', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nA ca',
    })
    expect(await errorOf(response)).toMatchObject({
      status: 400,
      message: expect.stringContaining('ends before its closing boundary'),
    })
  })
})

describe('JSON edits', () => {
  test('refuse input fidelity for a model without it', async () => {
    const image_url = `data:image/png;base64,${(await picture('a')).toBase64()}`
    const response = await post('/v1/images/edits', { ...base, images: [{ image_url }], input_fidelity: 'high' })
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'invalid_input_fidelity_model' })
  })

  test('fetch a public URL, and read a link of this gateway from R2', async () => {
    const { data } = await openai().images.generate(base)
    const file = await picture('far')
    const far = { handle: () => new Response(file) }
    internet({ 'api.openai.com': upstream, 'pictures.example.com': far })
    const images = [{ image_url: 'https://pictures.example.com/far.png' }, { image_url: data?.[0]?.url }]
    const mask = { image_url: `data:image/png;base64,${(await picture('mask')).toBase64()}` }
    expect((await post('/v1/images/edits', { ...base, images, mask })).status).toBe(200)
    const made = Uint8Array.fromBase64(data?.[0]?.b64_json ?? '')
    expect(upstream.calls[1]?.files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['image[]', file.length],
      ['image[]', made.length],
      ['mask', (await picture('mask')).length],
    ])
  })

  test('carry a mask or a markup, but not both', async () => {
    const image_url = `data:image/png;base64,${(await picture('a')).toBase64()}`
    const request = { ...base, model: 'gpt-image-2.5-flare', images: [{ image_url }], markup: { image_url } }
    expect((await post('/v1/images/edits', request)).status).toBe(200)
    expect(upstream.calls[0]?.files.map(({ name }) => name)).toEqual(['image', 'markup'])
    expect((await post('/v1/images/edits', { ...request, mask: { image_url } })).status).toBe(400)
    expect((await post('/v1/images/edits', { ...request, model: 'gpt-image-2' })).status).toBe(400)
  })

  test('refuse an altered link of this gateway', async () => {
    const { data } = await openai().images.generate(base)
    const response = await post('/v1/images/edits', { ...base, images: [{ image_url: `${data?.[0]?.url}x` }] })
    const error = await errorOf(response)
    expect(error).toMatchObject({ status: 400, code: 'invalid_image_url', param: 'images[0].image_url' })
  })
})
