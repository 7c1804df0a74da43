import { describe, expect, test } from 'vitest'
import { google, google2, picturesOf } from '../support/google'
import { KEY, knock } from '../support/gateway'
import { upstreams } from '../support/upstreams'

upstreams()

const MODEL = 'gpt-image-2'
const CAT = { contents: [{ parts: [{ text: 'A cat' }] }] }
const PROJECT = 'projects/house/locations/global/publishers/google/models'

const ask = (path: string): Promise<Response> =>
  knock(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(CAT),
  })

describe.each([
  ['3', google],
  ['2', google2],
])('version %s of the SDK of Google', (_, client) => {
  test.each([
    ['for Vertex', { vertexai: true }],
    ['at v1alpha', { apiVersion: 'v1alpha' }],
  ])('makes pictures and lists models %s', async (__, options) => {
    const { models } = client(KEY, options)
    expect(picturesOf(await models.generateContent({ model: MODEL, contents: 'A cat' }))).toHaveLength(1)
    expect((await models.get({ model: MODEL })).name).toBe(`models/${MODEL}`)
    expect((await models.list()).page).not.toHaveLength(0)
  })
})

test.each([
  `/v1beta/publishers/google/models/${MODEL}:generateContent`,
  `/v1/publishers/google/models/${MODEL}:generateContent`,
  `/v1/${PROJECT}/${MODEL}:streamGenerateContent?alt=sse`,
  `/v1beta1/${PROJECT}/${MODEL}:generateContent`,
])('%s makes a picture', async (path) => {
  const response = await ask(path)
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"inlineData"')])
})

test.each([
  `/v1/${PROJECT}/unheard-of:generateContent`,
  `/v1/publishers/google/models/${MODEL}:computeTokens`,
  `/v1alpha/models/${MODEL}:embedContent`,
])("%s is refused in Google's words", async (path) => {
  const response = await ask(path)
  expect([response.status, await response.json()]).toMatchObject([404, { error: { status: 'NOT_FOUND' } }])
})

test('a retired model is made by its successor', async () => {
  const response = await ask('/v1beta/models/gemini-2.5-flash-image-preview:generateContent')
  const told = 'model=gemini-2.5-flash-image-preview>gemini-nano-banana-2.1'
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, told])
})
