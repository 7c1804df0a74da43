import { expect, test } from 'vitest'
import { UPSTREAM_KEY } from './support/upstream.ts'
import { served } from './support/served.ts'

const running = served()

/** Every header that an answer of the gateway may have. */
const OURS = [
  'content-length',
  'content-type',
  'cache-control',
  'server-timing',
  'age',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-adjusted',
  'x-cache',
  'x-cost-usd',
  'x-generation-id',
  'x-model',
  'x-request-id',
  'x-upstream',
]
/** And those of an image link. */
const OURS_OF_IMAGES = [
  ...OURS,
  'accept-ranges',
  'access-control-allow-origin',
  'content-security-policy',
  'cross-origin-resource-policy',
  'etag',
  'x-content-type-options',
]

/** Sends a plain request. It asks for no compression, because the local server adds headers with it. */
const ask = (body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${running.gateway.baseUrl}/images/generations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${running.gateway.key}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      ...headers,
    },
    body: JSON.stringify(body),
  })

/** Looks for everything that only the upstream and the gateway may know. */
async function expectNothingOfTheUpstream(response: Response, ours: string[]): Promise<string> {
  const text = await response.text()
  const { port } = new URL(running.upstream.origin)
  const seen = `${JSON.stringify([...response.headers])}\n${text}`
  for (const secret of [UPSTREAM_KEY, 'secret-cookie', 'org-upstream', 'org-secret123', `:${port}`, 'FAKE_KEY']) {
    expect(seen).not.toContain(secret)
  }
  expect([...response.headers.keys()].filter((name) => !ours.includes(name))).toEqual([])
  return text
}

test.each(['A fox', 'A fox @as=url', 'A fox @as=both', 'A fox @pretty'])(
  'nothing of the upstream but its picture reaches the client: %s',
  async (prompt) => {
    for (const response_format of ['b64_json', 'url', undefined]) {
      const response = await ask({ model: 'gpt-image-2', prompt, response_format })
      expect(response.status).toBe(200)
      await expectNothingOfTheUpstream(response, OURS)
    }
    const [call] = await running.upstream.callsFor(prompt)
    expect(call?.headers['authorization']).toBe(`Bearer ${UPSTREAM_KEY}`)
  },
)

test('an image link reveals nothing of the upstream', async () => {
  const [, link = ''] =
    /"url":"([^"]+)"/.exec(await (await ask({ model: 'gpt-image-2', prompt: 'An owl' })).text()) ?? []
  const response = await fetch(link)
  expect(response.status).toBe(200)
  await expectNothingOfTheUpstream(response, OURS_OF_IMAGES)
})

test.each([
  ['leak', 400],
  ['moderation', 400],
  ['422', 400],
  ['401', 503],
  ['403', 503],
  ['429', 503],
  ['429-text', 503],
  ['quota', 503],
  ['billing', 503],
  ['500', 502],
  ['html', 502],
  ['redirect', 502],
  ['error-inside', 502],
  ['cut', 502],
  ['bad-base64', 502],
])('nothing of the upstream reaches the client of a failure: %s', async (fault, status) => {
  const response = await ask({ model: 'gpt-image-2', prompt: `A hare @fault=${fault}` })
  expect(response.status).toBe(status)
  const text = await expectNothingOfTheUpstream(response, OURS)
  expect(text).not.toMatch(/<html|Just a moment|platform\.openai\.com|org-/i)
})

test('a refusal holds no request id of the upstream', async () => {
  const response = await ask({ model: 'gpt-image-2', prompt: 'A wolf @fault=moderation' })
  expect(await response.text()).not.toContain('req_0123456789abcdef')
})

test('nothing of the client but its request reaches the upstream', async () => {
  const prompt = 'A badger'
  await ask({ model: 'gpt-image-2', prompt }, { cookie: 'session=of-the-client', 'x-forwarded-for': '203.0.113.7' })
  const [call] = await running.upstream.callsFor(prompt)
  const seen = JSON.stringify(call?.headers)
  for (const secret of [running.gateway.key, 'of-the-client', '203.0.113.7']) expect(seen).not.toContain(secret)
})
