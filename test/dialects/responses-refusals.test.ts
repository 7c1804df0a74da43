import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { responses } from '../../src/dialects/responses/responses'
import { errorOf, post } from '../support/gateway'
import { picture } from '../support/pictures'
import { postResponse, respond, user } from '../support/responses'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const tool = (said: Record<string, unknown>): Record<string, unknown> => ({
  tools: [{ type: 'image_generation', ...said }],
})
const said = (part: Record<string, unknown>, role = 'user'): Record<string, unknown> => ({
  input: [{ role, content: [{ type: 'input_text', text: 'A cat' }, part] }],
})

describe("refused as a bad request with the parameter's name:", () => {
  test.each([
    [tool({ n: 2 }), 'tools[0].n', "Unknown parameter: 'tools[0].n'."],
    [tool({ quality: 'ultra' }), 'tools[0].quality', "Invalid value: 'ultra'. Supported values are:"],
    [tool({ size: '9x9' }), 'tools[0].size', "Invalid size '9x9'. Width and height must both be divisible by 16."],
    [
      tool({ model: 'gpt-image-2', background: 'transparent' }),
      'tools[0].background',
      'Transparent background is not supported',
    ],
    [
      tool({ model: 'gpt-image-1.5', background: 'transparent', output_format: 'jpeg' }),
      'tools[0].background',
      'A jpeg cannot be transparent. Set tools[0].output_format to png or webp.',
    ],
    [tool({ partial_images: 4 }), 'tools[0].partial_images', "Invalid 'tools[0].partial_images': integer above"],
    [
      tool({ model: 'gpt-image-2', complexity: 'high' }),
      'tools[0].complexity',
      "Unknown parameter: 'tools[0].complexity'.",
    ],
    [tool({ model: 'nobody-serves-this' }), 'tools[0].model', "The model 'nobody-serves-this' does not exist."],
    [tool({ action: 'edit' }), 'tools[0].action', 'There is no picture to edit.'],
    [tool({ action: 'paint' }), 'tools[0].action', "Invalid value: 'paint'."],
    [
      { model: 'gpt-image-2', tools: [{ type: 'web_search' }] },
      'tools[0].type',
      "Supported values are: 'image_generation'.",
    ],
    [{ model: undefined }, 'model', "Missing required parameter: 'model'."],
    [{ input: undefined }, 'input', "Missing required parameter: 'input'."],
    [{ input: [] }, 'input', "Invalid 'input': empty array."],
    [{ input: ' ' }, 'input', 'no text says what to make'],
    [{ input: 'x'.repeat(32_001) }, 'input', 'longer than 32000 characters'],
    [{ input: [{ type: 'function_call', name: 'f' }] }, 'input[0].type', "Supported types are: 'message'"],
    [said({ type: 'input_file', file_id: 'f' }), 'input[0].content[1].type', "Supported types are: 'input_text'"],
    [said({ type: 'input_image', file_id: 'f' }), 'input[0].content[1].file_id', 'This gateway keeps no files.'],
    [said({ type: 'input_image' }), 'input[0].content[1].image_url', 'Missing required parameter'],
    [said({ type: 'input_image' }, 'system'), 'input[0].content[1].type', "Supported values are: 'input_text'."],
    [said({ type: 'input_image', image_url: 'x.png' }), 'input[0].content[1].image_url', 'could not be read'],
    [{ input: [{ type: 'image_generation_call' }] }, 'input[0].id', 'Missing required parameter'],
    [{ conversation: 'conv_1' }, 'conversation', "'previous_response_id'"],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt', "as 'input'"],
    [{ tool_choice: { type: 'function', name: 'f' } }, 'tool_choice', "Send 'auto', 'required' or"],
    [{ text: { format: { type: 'json_schema' } } }, 'text.format.type', "Supported values are: 'text'."],
    [{ image: 'https://pictures.example.com/a.png' }, 'image', "Invalid type for 'image'"],
    [{ moderation: 'low' }, 'moderation', "Invalid type for 'moderation'"],
    [
      { background_options: { completion_window: '8h' } },
      'background_options.completion_window',
      'at their full price',
    ],
    [{ response_format: 'url' }, 'response_format', "Unknown parameter: 'response_format'."],
  ])('%j', async (given, param, message) => {
    const error = await errorOf(await postResponse(given))
    expect(error).toMatchObject({ status: 400, param, message: expect.stringContaining(message) })
    expect(upstream.calls).toHaveLength(0)
  })

  test('a request that a strict caller refuses to adapt', async () => {
    const given = tool({ partial_images: 2, size: '1080x1080' })
    const adapted = await postResponse(given)
    expect(adapted.headers.get('x-adjusted')).toBe('partial_images=2>0, size=1080x1080>1088x1088')
    const error = await errorOf(await postResponse(given, { 'x-strict': 'true' }))
    expect(error).toMatchObject({ status: 400, param: 'tools[0].partial_images' })
  })

  test('a mask without a picture, a file of the API, and a malformed picture', async () => {
    const mask = (await picture('mask')).toBase64()
    const masked = await errorOf(await postResponse(tool({ input_image_mask: { image_url: mask } })))
    expect(masked).toMatchObject({ status: 400, param: 'tools[0].input_image_mask' })
    const file = { input: [user('A cat', mask)], ...tool({ input_image_mask: { file_id: 'f' } }) }
    expect(await errorOf(await postResponse(file))).toMatchObject({ param: 'tools[0].input_image_mask.file_id' })
    const html = { type: 'input_image', image_url: `data:image/png;base64,${btoa('<html>')}` }
    expect(await errorOf(await postResponse(said(html)))).toMatchObject({
      param: 'input[0].content[1].image_url',
      code: 'invalid_image_file',
    })
  })

  test('more than 16 pictures for an edit', async () => {
    const cat = (await picture('a')).toBase64()
    const shown = user('A cat', ...Array.from({ length: 17 }, () => cat))
    expect(await errorOf(await postResponse({ input: [shown] }))).toMatchObject({
      status: 400,
      message: "Invalid 'input': too many images. Expected at most 16.",
    })
  })
})

test('a text model without an upstream is not found', async () => {
  const response = await post('/v1/responses', { model: 'nobody-serves-this', input: 'A cat' })
  expect(await errorOf(response)).toMatchObject({ status: 404, param: 'model', code: 'model_not_found' })
})

test('the SDK has its classes for refusals', async () => {
  await expect(respond({}, { size: '9x9' })).rejects.toThrow(OpenAI.BadRequestError)
  await expect(respond({}, { model: 'nobody-serves-this' })).rejects.toThrow(OpenAI.BadRequestError)
  const unknown = await post('/v1/responses', { model: 'gpt-image-2', input: 'x' }, { authorization: 'Bearer sk-no' })
  expect(unknown.status).toBe(401)
})

test('a model beyond a key is refused by the name of its parameter', async () => {
  const { key } = await team('acme', { models: ['gpt-image-1.5'] })
  expect((await ask(key)).status).toBe(403)
  const error = await errorOf(await postResponse({}, { authorization: `Bearer ${key}` }))
  expect(error).toMatchObject({ status: 403, param: 'tools[0].model', code: 'model_not_found' })
})

test.each([
  [{ model: 'gpt-5.2' }, true],
  [{ model: 'gpt-5.2', tools: [] }, true],
  [{ model: 'gpt-5.2', tools: [{ type: 'image_generation' }] }, false],
  [{ model: 'gpt-5.2', tools: [{ type: 'image_generation' }, { type: 'web_search' }] }, true],
  [{ model: 'gpt-5.2', tools: [{ type: 'image_generation' }], tool_choice: 'none' }, true],
  [{ model: 'gpt-image-2' }, false],
  [{ model: 'gpt-image-2', tools: [{ type: 'web_search' }] }, false],
  [{ tools: [{ type: 'web_search' }] }, false],
])('%j needs a text model: %s', (fields, isText) => {
  expect(responses.text?.isText(fields, (name) => name.startsWith('gpt-image'))).toBe(isText)
})
