import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { errorOf, openai, post } from '../support/gateway'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

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
    [
      'an empty model',
      { ...base, model: '' },
      'missing_required_parameter',
      'model',
      "Missing required parameter: 'model'.",
    ],
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
      'a style of other models',
      { ...base, style: 'anime' },
      'unknown_parameter',
      'style',
      "Unknown parameter: 'style'.",
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

  test('an unknown route', async () => {
    await expect(openai().files.list()).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })
})
