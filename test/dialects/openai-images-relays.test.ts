import { describe, expect, test } from 'vitest'
import { FakeOpenai } from '../support/fake-openai'
import { errorOf, openai, post } from '../support/gateway'
import { internet } from '../support/internet'
import { upstreams } from '../support/upstreams'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'

const { upstream } = upstreams()

const KNOBS = { seed: 7, negative_prompt: 'dogs', steps: 20, guidance: 3.5, strength: 0.5 }
const base = { model: 'gpt-image-2', prompt: 'A cat' }

describe('the parameters of relays', () => {
  test.each([
    [{ style: 'vivid' }, 'style', {}],
    [{ style: 'natural' }, 'style', {}],
    [{ negative_prompt: '', seed: null, style: null }, null, {}],
    [{ quality: 'hd' }, 'quality=hd>high', { quality: 'high' }],
    [{ quality: 'standard' }, 'quality=standard>medium', { quality: 'medium' }],
    [{ effort: 'high' }, 'effort>quality', { quality: 'high' }],
    [{ effort: 'high', quality: 'low' }, 'effort', { quality: 'low' }],
    [{ format: 'jpeg' }, 'format>output_format', { output_format: 'jpeg' }],
    [
      { format: 'jpeg', compression: 85 },
      'format>output_format, compression>output_compression',
      { output_format: 'jpeg', output_compression: 85 },
    ],
    [{ compression: 85 }, 'compression>output_compression, output_compression', {}],
    [{ transparency: false }, 'transparency>background', { background: 'opaque' }],
    [{ n: '2' }, 'n="2">2', { n: 2 }],
    [{ size: '1080x1080' }, 'size=1080x1080>1088x1088', { size: '1088x1088' }],
    [{ size: '16:9 2K' }, null, { size: '2048x1152' }],
    [
      { model: 'gpt-image-1.5', size: '1200x627' },
      'size=1200x627>1536x1024',
      { model: 'gpt-image-1.5', size: '1536x1024' },
    ],
    [{ model: 'gpt-image-1.5', size: '16:9' }, 'size=16:9>1536x1024', { model: 'gpt-image-1.5', size: '1536x1024' }],
    [
      { model: 'dall-e-2', size: '512x512' },
      'model=dall-e-2>gpt-image-2, size=512x512>816x816',
      { model: 'gpt-image-2', size: '816x816' },
    ],
    [{ model: 'dall-e-3' }, 'model=dall-e-3>gpt-image-2.5-sunburst', { model: 'gpt-image-2.5-sunburst' }],
    // Its upstream serves `gpt-image-*`, a pattern without a retired model.
    [{ model: 'gpt-image-1' }, 'model=gpt-image-1>gpt-image-2.5-sunburst', { model: 'gpt-image-2.5-sunburst' }],
    [
      { model: 'gpt-image-1-2025-04-23' },
      'model=gpt-image-1-2025-04-23>gpt-image-2.5-sunburst',
      { model: 'gpt-image-2.5-sunburst' },
    ],
    [
      { model: 'gpt-image-1.5-pro', size: '1024x1024', quality: 'hd', response_format: 'url' },
      'model=gpt-image-1.5-pro>gpt-image-2.5-sunburst, quality=hd>high',
      { model: 'gpt-image-2.5-sunburst', size: '1024x1024', quality: 'high' },
    ],
    [{ aspect_ratio: '16:9', resolution: '2k' }, 'aspect_ratio>size, resolution>size', { size: '2048x1152' }],
    [{ width: 1536, height: 1024 }, 'width>size, height>size', { size: '1536x1024' }],
    [{ watermark: false, sequential_image_generation: 'disabled', response_format: 'base64' }, null, {}],
    [
      { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 2 } },
      'sequential_image_generation>n',
      { n: 2 },
    ],
    [{ response_format: 'url' }, null, {}],
  ])('%j is accepted, with a note of its adaptation', async (given, adjusted, sent) => {
    const response = await post('/v1/images/generations', { ...base, ...given })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, adjusted])
    expect(upstream.calls[0]?.fields).toEqual({ ...base, ...sent })
  })

  test.each([
    [{ style: 'vivid' }, "Unknown parameter: 'style'."],
    [{ aspect_ratio: '1:1' }, "Unknown parameter: 'aspect_ratio'. Here it belongs in 'size'."],
    [{ watermark: true }, "Unknown parameter: 'watermark'."],
    [
      { sequential_image_generation: 'auto' },
      "Unknown parameter: 'sequential_image_generation'. Ask for several pictures by 'n'.",
    ],
    [{ aspect_ratio: '1:1', size: '1024x1024' }, "Send either 'size' or 'aspect_ratio'."],
    [{ quality: 'hd' }, "Invalid value: 'hd'. Supported values are: 'low', 'medium', 'high', and 'auto'."],
    [{ format: 'png' }, "Unknown parameter: 'format'."],
    [{ n: '2' }, "Invalid type for 'n': expected an integer, but got a string instead."],
    [{ size: '1080x1080' }, "Invalid size '1080x1080'. Width and height must both be divisible by 16."],
    [
      { model: 'gpt-image-1.5', size: '1080x1080' },
      "Invalid value: '1080x1080'. Supported values are: '1024x1024', '1024x1536', '1536x1024', and 'auto'.",
    ],
    [
      { model: 'gpt-image-1.5', size: '16:9' },
      "Invalid size '16:9'. The nearest that this model makes is 1536x1024. Its aspect ratios are 1:1, 2:3, 3:2.",
    ],
    [{ model: 'dall-e-3' }, "The model 'dall-e-3' does not exist."],
  ])('%j is refused in a strict request', async (given, message) => {
    const response = await post('/v1/images/generations', { ...base, ...given }, { 'x-strict': 'true' })
    expect(await errorOf(response)).toMatchObject({ status: 400, message })
  })

  test.each(['generations', 'edits'])('pictures in image of JSON %s are those of an edit', async (operation) => {
    const cat = dataUrlOf(await picture('a'))
    internet({
      'api.openai.com': upstream,
      'pictures.example.com': { handle: async () => new Response(await picture('b')) },
    })
    for (const image of [cat, 'https://pictures.example.com/b', [cat, 'https://pictures.example.com/b']]) {
      const response = await post(`/v1/images/${operation}`, { ...base, image })
      expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'image>images'])
    }
    expect(upstream.calls.map(({ path, files }) => [path, files.length])).toEqual([
      ['/v1/images/edits', 1],
      ['/v1/images/edits', 1],
      ['/v1/images/edits', 2],
    ])
    const strict = await post(`/v1/images/${operation}`, { ...base, image: cat }, { 'x-strict': 'true' })
    expect(await errorOf(strict)).toMatchObject({
      status: 400,
      message: expect.stringContaining("use 'images' (array)"),
    })
  })

  test.each([[null], [[]]])('a JSON generation with the image %j is one without', async (image) => {
    const response = await post('/v1/images/generations', { ...base, image })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
    expect(upstream.calls[0]?.path).toBe('/v1/images/generations')
  })

  test('a variation is an edit', async () => {
    const image = await pictureFile('a')
    const { data } = await openai().images.createVariation({ image, n: 2 })
    expect(data).toHaveLength(2)
    expect(upstream.calls[0]).toMatchObject({ path: '/v1/images/edits', fields: { model: 'gpt-image-2', n: '2' } })
  })

  test('an unknown model gets every parameter as sent', async () => {
    const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
    internet({ 'relay.example.com': relay })
    const sent = { model: 'relay-art', prompt: 'A cat', size: '777x333', quality: 'hd', style: 'vivid', ...KNOBS }
    const response = await post('/v1/images/generations', sent)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
    expect(relay.calls[0]?.fields).toEqual(sent)
  })

  test('and no shape, which it may not know', async () => {
    const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
    internet({ 'relay.example.com': relay })
    const response = await post('/v1/images/generations', { model: 'relay-art', prompt: 'A cat', size: '9:16' })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'size=9:16>720x1280'])
    expect(relay.calls[0]?.fields).toMatchObject({ size: '720x1280' })
  })

  test('a generation with an image streams events of the route that its client knows', async () => {
    const image = `data:image/png;base64,${(await picture('a')).toBase64()}`
    const response = await post('/v1/images/generations', { ...base, image, stream: true, partial_images: 1 })
    const names = (await response.text()).match(/(?<=^event: ).*/gm)
    expect(names).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    expect(upstream.calls[0]?.path).toBe('/v1/images/edits')
  })
})
