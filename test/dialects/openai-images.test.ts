import { reset } from 'cloudflare:test'
import { OpenAI } from 'openai'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openaiError } from '../../src/dialects/openai-error'
import { type ErrorCode, STATUS } from '../../src/errors'
import { FakeOpenai } from '../support/fake-openai'
import { KEY, knock, openai, post, postForm } from '../support/gateway'
import { internet } from '../support/internet'
import { picture, pictureFile } from '../support/pictures'
import { concatenate } from '../support/png'

let upstream: FakeOpenai

beforeEach(() => {
  upstream = new FakeOpenai({ apiKey: 'sk-upstream-secret' })
  internet({ 'api.openai.com': upstream, 'relay.example.com': new FakeOpenai({ apiKey: 'sk-relay-secret' }) })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await reset()
})

interface Envelope {
  error: { message: string; type: string; code: string | null; param: string | null }
}
const errorOf = async (response: Response): Promise<Envelope['error'] & { status: number }> => {
  const { error } = await response.json<Envelope>()
  return { status: response.status, ...error }
}
const base = { model: 'gpt-image-2', prompt: 'A cat' }

describe('refuses in the words of the API', () => {
  const USER_ERROR = 'image_generation_user_error'
  test.each([
    ['no model', { prompt: 'A cat' }, 'missing_required_parameter', 'model', "Missing required parameter: 'model'."],
    [
      'no prompt',
      { model: 'gpt-image-2' },
      'missing_required_parameter',
      'prompt',
      "Missing required parameter: 'prompt'.",
    ],
    ['an unknown model', { ...base, model: 'nope' }, 'invalid_value', 'model', "The model 'nope' does not exist."],
    ['an empty model', { ...base, model: '' }, 'invalid_value', 'model', "The model '' does not exist."],
    [
      'a model named like an object property',
      { ...base, model: 'constructor' },
      'invalid_value',
      'model',
      "The model 'constructor' does not exist.",
    ],
    [
      'a null model',
      { ...base, model: null },
      'invalid_type',
      'model',
      "Invalid type for 'model': expected a string, but got null instead.",
    ],
    [
      'a number as model',
      { ...base, model: 123 },
      'invalid_type',
      'model',
      "Invalid type for 'model': expected a string, but got an integer instead.",
    ],
    [
      'an empty prompt',
      { ...base, prompt: '' },
      'empty_string',
      'prompt',
      "Invalid 'prompt': empty string. Expected at least one character.",
    ],
    [
      'n = 0',
      { ...base, n: 0 },
      'integer_below_min_value',
      'n',
      "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      'n = 11',
      { ...base, n: 11 },
      'integer_above_max_value',
      'n',
      "Invalid 'n': integer above maximum value. Expected a value <= 10, but got 11 instead.",
    ],
    [
      'n = 1.5',
      { ...base, n: 1.5 },
      'invalid_type',
      'n',
      "Invalid type for 'n': expected an integer, but got a decimal number instead.",
    ],
    [
      'n = true',
      { ...base, n: true },
      'invalid_type',
      'n',
      "Invalid type for 'n': expected an integer, but got a boolean instead.",
    ],
    [
      'an unknown quality',
      { ...base, quality: 'ultra' },
      'invalid_value',
      'quality',
      "Invalid value: 'ultra'. Supported values are: 'low', 'medium', 'high', and 'auto'.",
    ],
    [
      'an unknown moderation',
      { ...base, moderation: 'x' },
      'invalid_value',
      'moderation',
      "Invalid value: 'x'. Supported values are: 'auto' and 'low'.",
    ],
    [
      'gif',
      { ...base, output_format: 'gif' },
      'invalid_value',
      'output_format',
      "Invalid value: 'gif'. Supported values are: 'png', 'webp', and 'jpeg'.",
    ],
    [
      'a bogus size',
      { ...base, size: 'bogus' },
      'invalid_value',
      'size',
      "Invalid size 'bogus'. Expected WIDTHxHEIGHT, for example '1824x1024'.",
    ],
    [
      'a size of 9x9',
      { ...base, size: '9x9' },
      'invalid_value',
      'size',
      "Invalid size '9x9'. Width and height must both be divisible by 16.",
    ],
    [
      'too few pixels',
      { ...base, size: '256x256' },
      'invalid_value',
      'size',
      expect.stringContaining('below the current minimum pixel budget'),
    ],
    [
      'transparency',
      { ...base, background: 'transparent' },
      'invalid_value',
      'background',
      'Transparent background is not supported for this model.',
    ],
    ['a stray key', { ...base, sparkle: 1 }, 'unknown_parameter', 'sparkle', "Unknown parameter: 'sparkle'."],
    [
      'a mask without images',
      { ...base, mask: { image_url: 'https://a.example.com/b.png' } },
      'unknown_parameter',
      'mask',
      "Unknown parameter: 'mask'.",
    ],
    [
      'the images of an edit',
      { ...base, images: [{ image_url: 'https://a.example.com/b.png' }] },
      'unknown_parameter',
      'images',
      "Unknown parameter: 'images'.",
    ],
    [
      'input fidelity on a generation',
      { ...base, input_fidelity: 'low' },
      'unknown_parameter',
      'input_fidelity',
      "Unknown parameter: 'input_fidelity'.",
    ],
    [
      'a parameter of another model',
      { ...base, complexity: 'low' },
      'unknown_parameter',
      'complexity',
      "Unknown parameter: 'complexity'.",
    ],
  ])('%s', async (_, body, code, param, message) => {
    const error = await errorOf(await post('/v1/images/generations', body))
    const aboutTheModel = ['model', 'size', 'background'].includes(param) && code === 'invalid_value'
    expect(error).toEqual({
      status: 400,
      code,
      param,
      message,
      type: aboutTheModel ? USER_ERROR : 'invalid_request_error',
    })
    expect(upstream.calls).toHaveLength(0)
  })

  test.each([
    [
      'JSON with image',
      { ...base, image: 'https://a.example.com/b.png' },
      'invalid_value',
      'image',
      expect.stringContaining("use 'images' (array)"),
    ],
    [
      'texts as images',
      { ...base, images: ['x'] },
      'invalid_type',
      'images[0]',
      expect.stringContaining('expected an object'),
    ],
    [
      'an object as images',
      { ...base, images: {} },
      'invalid_type',
      'images',
      expect.stringContaining('expected an array'),
    ],
    ['an empty list', { ...base, images: [] }, 'empty_array', 'images', expect.any(String)],
    ['no images', base, 'missing_required_parameter', 'images', expect.any(String)],
    [
      'a file id',
      { ...base, images: [{ file_id: 'file-1' }] },
      'missing_required_parameter',
      'images[0].image_url',
      expect.any(String),
    ],
    [
      'a private URL',
      { ...base, images: [{ image_url: 'http://169.254.169.254/' }] },
      'invalid_image_url',
      'images[0].image_url',
      expect.stringContaining('public https URL'),
    ],
    [
      'a data URL that is no base64',
      { ...base, images: [{ image_url: 'data:image/png;base64,!!!' }] },
      'invalid_image_file',
      'images[0].image_url',
      'Invalid image file or mode for image 1, please check your image file.',
    ],
  ])('an edit with %s', async (_, body, code, param, message) => {
    expect(await errorOf(await post('/v1/images/edits', body))).toMatchObject({ status: 400, code, param, message })
  })

  test('the fault that the API would name first, when there are several', async () => {
    const error = await errorOf(await post('/v1/images/generations', { model: 'nope', n: 0, sparkle: 1 }))
    expect(error).toMatchObject({ param: 'model' })
    expect(
      await errorOf(await post('/v1/images/generations', { ...base, prompt: '', n: 0, sparkle: 1 })),
    ).toMatchObject({ param: 'sparkle' })
    expect(await errorOf(await post('/v1/images/generations', { ...base, prompt: '', n: 0 }))).toMatchObject({
      param: 'prompt',
    })
  })

  test.each([
    ['text that is no JSON', '{"model": oops', 'application/json', /could not parse the JSON body/],
    ['a list', '[]', 'application/json', /could not parse the JSON body/],
    ['nothing at all', '', 'application/json', /could not parse the JSON body/],
    [
      'a JSON text cut short',
      '{"model":"gpt-image-2","prompt":"A',
      'application/json',
      /could not parse the JSON body/,
    ],
    [
      'a form for a generation',
      'model=gpt-image-2',
      'application/x-www-form-urlencoded',
      /Unsupported content type: 'application\/x-www-form-urlencoded'/,
    ],
  ])('%s', async (_, body, type, message) => {
    const error = await errorOf(await post('/v1/images/generations', body, { 'content-type': type }))
    expect(error).toMatchObject({ status: 400, message: expect.stringMatching(message) })
  })

  test('a route that there is not', async () => {
    await expect(openai().files.list()).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })
})

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
      message: 'Invalid image file or mode for image 2, please check your image file.',
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

describe('the words of relays', () => {
  test.each([
    [{ style: 'vivid' }, 'style', {}],
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
    [{ model: 'dall-e-3' }, 'model=dall-e-3>gpt-image-2', {}],
    [{ response_format: 'url' }, null, {}],
  ])('%j is understood, and told where it is adapted', async (given, adjusted, sent) => {
    const response = await post('/v1/images/generations', { ...base, ...given })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, adjusted])
    expect(upstream.calls[0]?.fields).toEqual({ ...base, ...sent })
  })

  test.each([
    [{ style: 'vivid' }, "Unknown parameter: 'style'."],
    [{ quality: 'hd' }, "Invalid value: 'hd'. Supported values are: 'low', 'medium', 'high', and 'auto'."],
    [{ format: 'png' }, "Unknown parameter: 'format'."],
    [{ n: '2' }, "Invalid type for 'n': expected an integer, but got a string instead."],
    [{ size: '1080x1080' }, "Invalid size '1080x1080'. Width and height must both be divisible by 16."],
    [{ model: 'dall-e-3' }, "The model 'dall-e-3' does not exist."],
  ])('%j is refused where the caller wants nothing adapted', async (given, message) => {
    const response = await post('/v1/images/generations', { ...base, ...given }, { 'x-strict': 'true' })
    expect(await errorOf(response)).toMatchObject({ status: 400, message })
  })

  test('a JSON generation with image is an edit of it', async () => {
    const image = `data:image/png;base64,${(await picture('a')).toBase64()}`
    const response = await post('/v1/images/generations', { ...base, image })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'image>images'])
    expect(upstream.calls[0]).toMatchObject({ path: '/v1/images/edits', files: [{ name: 'image' }] })
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

  test('a model that the catalogue has never heard of gets every parameter as it was sent', async () => {
    const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
    internet({ 'relay.example.com': relay })
    const sent = { model: 'relay-art', prompt: 'A cat', size: '777x333', quality: 'hd', style: 'vivid' }
    const response = await post('/v1/images/generations', sent)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
    expect(relay.calls[0]?.fields).toEqual(sent)
  })
})

describe('JSON edits', () => {
  test('refuse input fidelity where the model has none', async () => {
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

  test('refuse a link of this gateway that was tampered with', async () => {
    const { data } = await openai().images.generate(base)
    const response = await post('/v1/images/edits', { ...base, images: [{ image_url: `${data?.[0]?.url}x` }] })
    const error = await errorOf(response)
    expect(error).toMatchObject({ status: 400, code: 'invalid_image_url', param: 'images[0].image_url' })
  })
})

describe('who may call', () => {
  test.each([
    ['no key', {}, null],
    ['a wrong key', { authorization: 'Bearer sk-dr-default-wrong' }, 'invalid_api_key'],
    ['another scheme', { authorization: `Basic ${KEY}` }, null],
  ])('%s is refused without waiting for the body', async (_, headers, code) => {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) })
    const response = await knock('/v1/images/edits', { method: 'POST', headers, body })
    expect(await errorOf(response)).toMatchObject({ status: 401, code, type: 'invalid_request_error', param: null })
  })

  test('a body over the cap is refused before it is read', async () => {
    const response = await post('/v1/images/generations', ' '.repeat(8_000_001))
    expect(await errorOf(response)).toMatchObject({ status: 413, message: expect.stringContaining('8000000 bytes') })
  })

  test('a body that hides its length is refused when it passes the cap', async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    const start = concatenate(new TextEncoder().encode(head), await picture('a'))
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(start),
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
    })
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' }
    const response = await knock('/v1/images/edits', { method: 'POST', headers, body })
    expect(await errorOf(response)).toMatchObject({ status: 413, code: 'request_too_large' })
  })

  test.each([
    ['one text of a form', [['prompt', 'x'.repeat(1_100_000)]]],
    ['many texts of a form', Array.from({ length: 5 }, (_, at) => [`field${at}`, 'x'.repeat(250_000)])],
    ['a form with many names', Array.from({ length: 65 }, (_, at) => [`field${at}`, 'x'])],
  ] satisfies [string, [string, string][] | string[][]][])(
    '%s is refused before it fills the memory',
    async (_, parts) => {
      const form = parts.map(([name = '', value = '']): [string, string] => [name, value])
      expect((await postForm('/v1/images/edits', form)).status).toBe(400)
    },
  )

  test('no parameter is repeated at any length', async () => {
    const response = await post('/v1/images/generations', { ...base, model: 'm'.repeat(100_000) })
    expect((await response.text()).length).toBeLessThan(400)
  })
})

const CLASSES: Partial<Record<number, unknown>> = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  403: OpenAI.PermissionDeniedError,
  404: OpenAI.NotFoundError,
  409: OpenAI.ConflictError,
  422: OpenAI.UnprocessableEntityError,
  429: OpenAI.RateLimitError,
}

const isCode = (name: string): name is ErrorCode => name in STATUS

test.each(Object.keys(STATUS).filter(isCode))(
  'the code %s raises the SDK class of its status, with a message',
  async (code) => {
    const answer = Response.json(openaiError({ code, message: 'Do this next.' }, 'req_1'), { status: STATUS[code] })
    const client = openai({ fetch: () => Promise.resolve(answer) })
    const error: unknown = await client.images.generate(base).catch((thrown: unknown) => thrown)
    const expected = STATUS[code] >= 500 ? OpenAI.InternalServerError : (CLASSES[STATUS[code]] ?? OpenAI.APIError)
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject({ message: expect.stringContaining('Do this next.') })
  },
)
