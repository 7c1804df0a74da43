import { describe, expect, test } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { chat, HELLO, texts } from '../support/texts'

const { first, second, images } = texts()

/** The upstream's own name for the requested model, and the response's headers about it. */
async function servedAs(model: string): Promise<unknown[]> {
  const response = await chat({ ...HELLO, model })
  const sent = [...first.calls, ...second.calls].map(({ fields }) => fields['model'])
  return [response.status, response.headers.get('x-upstream'), response.headers.get('x-model'), ...sent]
}

describe('a request for a text model', () => {
  test('goes to the first upstream that lists it', async () => {
    expect(await servedAs('gpt-5.2')).toEqual([200, 'first', 'gpt-5.2', 'gpt-5.2'])
  })

  test.each(['quick', 'openai/gpt-5.2'])('goes by another name as well: %s', async (name) => {
    expect(await servedAs(name)).toEqual([200, 'first', 'gpt-5.2', 'gpt-5.2'])
  })

  test("is sent under the upstream's own name", async () => {
    const theirs = 'gpt-5.2-mini-with-a-longer-name'
    expect(await servedAs('brief')).toEqual([200, 'first', theirs, theirs])
  })

  test.each<[string, string, (name: string) => string]>([
    ['first', '"brief"', (name) => `{"model":${name},"messages":[{"model":"brief"}]}`],
    ['last', '"brief"', (name) => `{"messages":["\\u00e9 é \\"model\\":\\"brief\\""] ,\r\n"model" :\t${name} }\n`],
    ['escaped', '"b\\u0072ief"', (name) => `{"x":{"model":"brief"},"mod\\u0065l":${name}}`],
  ])('keeps every other byte when the name of the model, %s, is replaced', async (_, name, body) => {
    await post('/v1/chat/completions', body(name))
    expect(first.calls.map((call) => call.body)).toEqual([body('"gpt-5.2-mini-with-a-longer-name"')])
  })

  test.each([
    ['that no upstream lists', 'gpt-6', 'gpt-6'],
    ['longer than any name', 'm'.repeat(500), 'm'.repeat(100)],
  ])('%s is refused as an unknown model', async (_, model, told) => {
    const refused = await errorOf(await chat({ ...HELLO, model }))
    const message = expect.stringContaining(`The model '${told}' does not exist.`)
    expect(refused).toMatchObject({ status: 404, message, param: 'model', code: 'model_not_found' })
  })

  test.each(['model', 'Model', '\\u004dODEL'])(
    'that names two, the other as %s, is refused, since its upstream might read either',
    async (field) => {
      const refused = await errorOf(await post('/v1/chat/completions', `{"${field}":"unpriced","model":"gpt-5.2"}`))
      expect([refused.status, refused.param, first.calls]).toEqual([400, 'model', []])
    },
  )

  test('is sent as JSON, whatever its content type', async () => {
    await chat(HELLO, undefined, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(first.calls.map(({ headers }) => headers.get('content-type'))).toEqual(['application/json'])
  })
})

describe('on the same route', () => {
  test.each(['gpt-image-2', 'house-style'])('%s makes a picture', async (model) => {
    const response = await chat({ ...HELLO, model })
    expect([response.status, images.calls[0]?.fields]).toMatchObject([200, { model: 'gpt-image-2', prompt: 'Hello' }])
    expect([...first.calls, ...second.calls]).toEqual([])
  })

  test('a model listed by an image upstream alone makes a picture', async () => {
    const response = await chat({ ...HELLO, model: 'painter' })
    expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'demo'])
    expect([...first.calls, ...second.calls]).toEqual([])
  })

  test.each([
    ['that is no JSON', 'Hello'],
    ['that is cut', '{"model":"gpt-5.2","messages":['],
    ['that is a list', '[{"model":"gpt-5.2"}]'],
    ['that is empty', ''],
    ['without a name for its model', JSON.stringify({ ...HELLO, model: null })],
    ['without a model', '{"messages":[]}'],
    ['with a model that is no text', '{"model":{"name":"gpt-5.2"},"messages":[]}'],
  ])('a body %s is refused as one for a picture would be', async (_, body) => {
    const { status, type } = await errorOf(await post('/v1/chat/completions', body))
    expect([status, type, first.calls]).toEqual([400, 'invalid_request_error', []])
  })

  test('a body in another form is refused', async () => {
    const response = await post('/v1/chat/completions', 'model=gpt-5.2', { 'content-type': 'text/plain' })
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'unsupported_content_type' })
  })

  test('a wrong key is refused', async () => {
    expect(await errorOf(await chat(HELLO, 'sk-dr-acme-wrong'))).toMatchObject({ status: 401 })
  })
})
