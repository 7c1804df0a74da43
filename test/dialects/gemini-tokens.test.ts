import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { google, google2, postGoogle } from '../support/google'
import { KEY } from '../support/gateway'
import { picture } from '../support/pictures'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'

const count = (body: unknown, headers?: Record<string, string>): Promise<Response> =>
  postGoogle(`${MODEL}:countTokens`, body, headers)

test.each([
  ['3', google, {}],
  ['2', google2, {}],
  ['3, for Vertex,', google, { vertexai: true }],
])(
  'version %s of the SDK of Google counts tokens by the catalogue, without an upstream',
  async (_, client, options) => {
    const contents = [
      { text: 'A cat' },
      { inlineData: { mimeType: 'image/png', data: (await picture('day')).toBase64() } },
      { fileData: { mimeType: 'image/png', fileUri: 'https://pictures.example.com/a.png' } },
    ]
    const counted = await client(KEY, options).models.countTokens({ model: MODEL, contents })
    expect(counted).toMatchObject({ totalTokens: 'A cat'.length + 2 * 1536 })
    const stored = await env.IMAGES.list({ prefix: 'inputs/' })
    expect([upstream.calls.length, stored.objects.length]).toEqual([0, 0])
  },
)

test('the count of a wrapped request lists its tokens by kind', async () => {
  const generateContentRequest = { model: `models/${MODEL}`, contents: [{ parts: [{ text: 'Café' }] }] }
  expect(await (await count({ generateContentRequest })).json()).toEqual({
    totalTokens: 5,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 5 }],
  })
})

test('a count costs a team none of its requests', async () => {
  const { key } = await team('acme', { requests_per_minute: 1 })
  const body = { contents: [{ parts: [{ text: 'A cat' }] }] }
  const headers = { 'x-goog-api-key': key }
  expect([(await count(body, headers)).status, (await count(body, headers)).status]).toEqual([200, 200])
  expect((await postGoogle(`${MODEL}:generateContent`, body, headers)).status).toBe(200)
})

test.each([
  ['no key', { contents: 'A' }, {}, [403, 'PERMISSION_DENIED']],
  ['no contents', {}, { 'x-goog-api-key': KEY }, [400, 'INVALID_ARGUMENT']],
])("a count with %s is refused in Google's words", async (_, body, headers, [code, status]) => {
  expect(await (await count(body, headers)).json()).toMatchObject({ error: { code, status } })
})
