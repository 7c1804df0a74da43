import { describe, expect, test } from 'vitest'
import { KEY, knock, ORIGIN } from './support/gateway'
import { upstreams } from './support/upstreams'

upstreams()

const asked = async (method: string, path: string) => {
  const response = await knock(ORIGIN + path, { method, headers: { authorization: `Bearer ${KEY}` } })
  return { status: response.status, allow: response.headers.get('allow'), text: await response.text() }
}

describe('a slip of the path is a 404 that names the right URL', () => {
  test.each([
    ['POST', '/v1/v1/images/generations', '/v1/images/generations'],
    ['POST', '//v1/images/generations', '/v1/images/generations'],
    ['POST', '/images/generations', '/v1/images/generations'],
    ['POST', '/v1/images/edits/', '/v1/images/edits'],
    ['POST', '/chat/completions', '/v1/chat/completions'],
    ['POST', '/v1/chat/completions/chat/completions', '/v1/chat/completions'],
    ['POST', '/v1/openai/deployments/art/images/generations', '/openai/deployments/art/images/generations'],
    ['POST', '/api/images', '/api/v1/images'],
    ['POST', '/v1/v1beta/models/gpt-image-2:generateContent', '/v1beta/models/gpt-image-2:generateContent'],
    ['GET', '/models', '/v1/models'],
    ['GET', '/v1/v1/models', '/v1/models'],
    ['GET', '/api/v1/usage/', '/v1/usage'],
  ])('%s %s: %s', async (method, path, right) => {
    const { status, text } = await asked(method, path)
    expect([status, text]).toEqual([404, expect.stringContaining(`Send ${method} ${ORIGIN}${right},`)])
  })

  test.each(['/v1/nowhere', `/${'v1/'.repeat(100)}images/generations`, '/'])('%s resembles no route', async (path) => {
    expect(await asked('POST', path)).toMatchObject({ status: 404, text: expect.not.stringContaining('Send POST') })
  })
})

describe('a wrong method is a 405 with the right ones', () => {
  test.each([
    ['GET', '/v1/images/generations', 'POST'],
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/responses', 'POST'],
    ['DELETE', '/api/v1/images', 'POST'],
    ['POST', '/v1/usage', 'GET'],
    ['POST', '/v1/generations/gen_1', 'GET, DELETE'],
    ['POST', '/images/gen_1/a.png', 'GET, DELETE'],
  ])('%s %s: %s', async (method, path, allow) => {
    expect(await asked(method, path)).toMatchObject({ status: 405, allow })
  })
})

describe('a key is read wherever a wire format puts it', () => {
  const PLACES: [string, Record<string, string>][] = [
    ['authorization', { authorization: `Bearer ${KEY}` }],
    ['x-goog-api-key', { 'x-goog-api-key': KEY }],
    ['api-key', { authorization: '', 'api-key': KEY }],
  ]
  const ROUTES = [
    ['GET', '/v1/models'],
    ['GET', '/v1/usage'],
    ['POST', '/v1/images/generations'],
    ['POST', '/openai/v1/images/generations'],
    ['POST', '/api/v1/images'],
    ['POST', '/v1/chat/completions'],
    ['POST', '/v1/responses'],
    ['POST', '/v1beta/models/gpt-image-2:generateContent'],
    ['POST', '/v1/api/generate'],
  ] as const

  const statusOf = async (method: string, path: string, headers: Record<string, string> = {}): Promise<number> => {
    const body = method === 'POST' ? '{}' : null
    const response = await knock(path, { method, headers: { 'content-type': 'application/json', ...headers }, body })
    await response.text()
    return response.status
  }

  test.each(PLACES)('%s, on all routes', async (_, headers) => {
    const statuses = await Promise.all(ROUTES.map(([method, path]) => statusOf(method, path, headers)))
    expect(statuses.filter((status) => [401, 403].includes(status))).toEqual([])
  })

  test("the query, on Google's paths alone", async () => {
    const statuses = await Promise.all(ROUTES.map(([method, path]) => statusOf(method, `${path}?key=${KEY}`)))
    const open = ROUTES.filter((_, at) => ![401, 403].includes(statuses[at] ?? 0)).map(([, path]) => path)
    expect(open).toEqual(['/v1/models', '/v1beta/models/gpt-image-2:generateContent'])
  })
})
