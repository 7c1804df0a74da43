import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { azure } from '../support/azure'
import { KEY, knock, post, postForm } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { HELLO, texts } from '../support/texts'

const { first, images } = texts()

const AZURE = { 'api-key': KEY, authorization: '' }
const CAT = { model: 'gpt-image-2', prompt: 'A cat' }
const CHAT = { model: 'gpt-image-2', messages: [{ role: 'user' as const, content: 'A cat' }] }
const RESPONSE = { model: 'gpt-image-2', input: 'A cat', tools: [{ type: 'image_generation' as const }] }
const version = (path: string): string => `${path}?api-version=2025-04-01-preview`

describe("Azure's client", () => {
  test('gets a picture by a chat with its deployment, and the name of that', async () => {
    const { model, choices } = await azure({ deployment: 'house-style' }).chat.completions.create(CHAT)
    expect(model).toBe('house-style')
    expect(choices[0]?.message.content).toMatch(/^!\[image\]\(https:/)
  })

  test('gets a picture by a response', async () => {
    const { output } = await azure().responses.create(RESPONSE)
    expect(output[0]).toMatchObject({ type: 'image_generation_call', result: expect.stringMatching(/^iVBOR/) })
  })

  test('lists the models and finds one', async () => {
    const { data } = await azure().models.list()
    expect(data.map(({ id }) => id)).toContain('house-style')
    expect(await azure().models.retrieve('gpt-image-2')).toMatchObject({ id: 'gpt-image-2' })
  })

  test.each(['chat', 'responses', 'models'] as const)('reads that its key for %s is wrong', async (resource) => {
    const client = azure({ apiKey: 'sk-dr-default-wrong' })
    const asked = {
      chat: () => client.chat.completions.create(CHAT),
      responses: () => client.responses.create(RESPONSE),
      models: () => client.models.list(),
    }
    await expect(asked[resource]()).rejects.toThrow(OpenAI.AuthenticationError)
  })
})

test.each([
  [version('/openai/images/generations'), CAT],
  [version('/openai/chat/completions'), CHAT],
  [version('/openai/v1/chat/completions'), CHAT],
  [version('/openai/v1/responses'), RESPONSE],
])('%s makes the picture of a model in the body', async (path, body) => {
  expect((await post(path, body, AZURE)).status).toBe(200)
  expect(images.calls[0]?.fields).toMatchObject({ model: 'gpt-image-2', prompt: 'A cat' })
})

test("an edit in a form of Azure's older clients names its deployment in the form", async () => {
  const parts: [string, string | File][] = [...Object.entries(CAT), ['image', await pictureFile('a')]]
  expect((await postForm(version('/openai/images/edits'), parts, AZURE)).status).toBe(200)
  expect(images.calls[0]?.path).toBe('/v1/images/edits')
})

test('a list of models is at both bases', async () => {
  for (const path of ['/openai/models', '/openai/v1/models', '/openai/v1/models/gpt-image-2'])
    expect((await knock(version(path), { headers: { 'api-key': KEY } })).status).toBe(200)
})

test.each(['/openai', '/openai/v1'])('a background response is found, cancelled and deleted at %s', async (base) => {
  const slow = { ...RESPONSE, input: 'A cat @delay=20000', background: true }
  const { id } = await (await post(version(`${base}/responses`), slow, AZURE)).json<{ id: string }>()
  const ask = async (method: string, end = ''): Promise<unknown> =>
    (await knock(version(`${base}/responses/${id}${end}`), { method, headers: { 'api-key': KEY } })).json()
  expect(await ask('GET')).toMatchObject({ id, background: true })
  expect(await ask('POST', '/cancel')).toMatchObject({ id, status: 'cancelled' })
  expect(await ask('DELETE')).toEqual({ id, object: 'response', deleted: true })
})

describe('a text model as a deployment in the path', () => {
  const { model: _, ...hello } = HELLO

  test.each([
    ['without a model in the body', JSON.stringify(hello), `{"model":"gpt-5.2",${JSON.stringify(hello).slice(1)}`],
    ['with another in the body', ` ${JSON.stringify({ ...hello, model: 'gpt-5.1' })}`, undefined],
    ['with the same in the body', JSON.stringify(HELLO), JSON.stringify(HELLO)],
  ])('is asked for %s', async (__, body, expected) => {
    const response = await post(version('/openai/deployments/gpt-5.2/chat/completions'), body, AZURE)
    const right = expected ?? body.replace('gpt-5.1', 'gpt-5.2')
    expect([response.status, first.calls.map((call) => call.body)]).toEqual([200, [right]])
  })
})
