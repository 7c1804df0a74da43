import { ApiError } from '@google/genai'
import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { google, google2 } from './support/google'
import { KEY, knock, openai, ORIGIN } from './support/gateway'
import { issue, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

upstreams()

/** The kinds of names in the tests' settings: the catalogue, the settings, an alias, an upstream. */
const NAMES = ['gpt-image-2', 'gemini-3-pro-image', 'house-art', 'house-style', 'impatient']

/** All names that the SDK lists, page by page. */
async function named<Item>(list: Promise<AsyncIterable<Item>>, nameOf: (item: Item) => string | undefined) {
  const names = []
  for await (const item of await list) names.push(nameOf(item) ?? '')
  return names
}

const openaiNames = (apiKey = KEY): Promise<string[]> =>
  named(Promise.resolve(openai({ apiKey }).models.list()), ({ id }) => id)

describe('the models in the SDK of OpenAI', () => {
  test('have their known data', async () => {
    const { data } = await openai().models.list()
    expect(data.filter(({ created }) => created <= 0)).toEqual([])
    expect(data).toContainEqual({
      id: 'gpt-image-2',
      object: 'model',
      created: Date.UTC(2026, 3, 21) / 1000,
      owned_by: 'darkroom',
      shutdown_date: null,
    })
  })

  test('are those of the catalogue and the settings with their aliases, each once', async () => {
    const names = await openaiNames()
    expect(names).toEqual(expect.arrayContaining(NAMES))
    expect(new Set(names).size).toBe(names.length)
  })

  test('are neither patterns nor retired', async () => {
    expect((await openaiNames()).filter((name) => name.includes('*') || name.startsWith('dall-e'))).toEqual([])
  })

  test.each(['gpt-image-2', '@cf/black-forest-labs/flux-1-schnell', 'relay-art', 'dall-e-3', 'openai/gpt-image-2'])(
    'are found by name, even if known by a pattern or retired (%s)',
    async (id) => {
      expect(await openai().models.retrieve(id)).toMatchObject({ id, object: 'model' })
    },
  )

  test('are found by a path with slashes', async () => {
    const id = '@cf/black-forest-labs/flux-1-schnell'
    expect(await (await visit(KEY, `/v1/models/${id}`)).json()).toMatchObject({ id })
  })

  test('are a 404 without an upstream', async () => {
    const error: unknown = await openai()
      .models.retrieve('unheard-of')
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' })
  })

  test('are refused to a wrong key', async () => {
    await expect(openaiNames('sk-dr-default-wrong')).rejects.toThrow(OpenAI.AuthenticationError)
    expect((await knock('/v1/models')).status).toBe(401)
  })
})

describe('a key with a list of models', () => {
  test('sees the models allowed to it and its team', async () => {
    await team('acme', { models: ['gpt-image-*', 'house-style'] })
    const { key } = await issue('acme', { limits: { models: ['gpt-image-2', 'gemini-*'] } })
    expect(await openaiNames(key)).toEqual(['gpt-image-2', 'house-style'])
  })

  test('finds no other', async () => {
    const { key } = await team('acme', { models: ['gpt-image-2'] })
    expect((await visit(key, '/v1/models/gpt-image-2')).status).toBe(200)
    expect((await visit(key, '/v1/models/gemini-3-pro-image')).status).toBe(404)
  })

  test('keeps its requests per minute when it lists models', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    await openaiNames(key)
    expect(await openaiNames(key)).toContain('gpt-image-2')
  })
})

describe.each([
  ['3, with requests at /v1', google],
  ['2, with requests at /v1beta', google2],
])('the models in the SDK of Google, version %s,', (_, client) => {
  const names = (pageSize?: number): Promise<string[]> =>
    named(client().models.list(pageSize === undefined ? {} : { config: { pageSize } }), ({ name }) => name)

  test('have their methods', async () => {
    expect(await client().models.get({ model: 'gpt-image-2' })).toMatchObject({
      name: 'models/gpt-image-2',
      displayName: 'gpt-image-2',
      supportedActions: ['generateContent', 'streamGenerateContent', 'countTokens', 'predict'],
    })
  })

  test("are those of OpenAI's list, page by page", async () => {
    const all = (await openaiNames()).map((name) => `models/${name}`)
    expect(await names()).toEqual(all)
    expect(await names(2)).toEqual(all)
    expect((await client().models.list({ config: { pageSize: 2 } })).page).toHaveLength(2)
  })

  test('are a 404 without an upstream', async () => {
    const found = client().models.get({ model: 'unheard-of' })
    await expect(found).rejects.toMatchObject({ name: 'ApiError', status: 404 })
  })

  test('are refused to a wrong key', async () => {
    await expect(client('sk-dr-default-wrong').models.list()).rejects.toMatchObject({ name: 'ApiError', status: 400 })
  })
})

test("a refusal is an error of its own class in Google's SDK", async () => {
  await expect(google().models.get({ model: 'unheard-of' })).rejects.toBeInstanceOf(ApiError)
})

describe('without an SDK', () => {
  test.each([
    ['/v1/models?pageSize=1000', { 'x-goog-api-key': KEY }],
    [`/v1/models?pageSize=1000&key=${KEY}`, {}],
    ['/v1beta/models?pageSize=1000', { authorization: `Bearer ${KEY}` }],
  ])("%s with %j is answered in Google's form", async (path, headers) => {
    const answer = await (await knock(path, { headers })).json<{ models: { name: string }[] }>()
    expect(answer.models.map(({ name }) => name)).toContain('models/any-art')
  })

  test('a page of no size is refused', async () => {
    const url = new URL('/v1beta/models', ORIGIN)
    url.search = new URLSearchParams({ key: KEY, pageSize: 'many' }).toString()
    const answer = await knock(url.href)
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { status: 'INVALID_ARGUMENT' } }])
  })

  test("an unknown path of Google is refused in Google's form", async () => {
    const answer = await knock('/v1beta/tunedModels')
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 404, status: 'NOT_FOUND' } }])
  })

  test.each([
    ['/v1/usage?key=x', {}],
    ['/v1/generations?key=x', {}],
    ['/v1/modelsx?key=x', {}],
    ['/v1/nowhere?key=x', {}],
    ['/v1/usage', { 'x-goog-api-key': 'x' }],
  ])("a failure of %s with %j has OpenAI's form: the path decides", async (path, headers) => {
    const answer = await (await knock(path, { headers })).json()
    expect(answer).toMatchObject({ error: { type: expect.any(String), message: expect.any(String) } })
    expect(answer).not.toHaveProperty('error.status')
  })
})
