import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { configOf } from '../../src/config'
import { errorOf, knock, post } from '../support/gateway'
import { internet } from '../support/internet'
import { deleteObjects } from '../support/objects'
import { environment, settings } from '../support/settings'
import { team } from '../support/teams'

const GATEWAY = configOf(environment()).gatewayId
const OTHER = '0123456789abcdef'

/** The gateway under another name, as one of its own upstreams. */
const LOOP = 'https://mirror.example.com'
const loop = (provider: string, path = '/v1'): object => ({
  name: provider,
  provider,
  secret: 'LOOP_KEY',
  base_url: LOOP + path,
  models: [`${provider}-art=gpt-image-2`],
})
const OPENAI = { ...loop('openai'), models: ['openai-art', 'talker'] }
const GEMINI = { ...loop('gemini', ''), models: ['gemini-art'] }

let passed: Request[]
let answers: number[]
beforeEach(async () => {
  ;[passed, answers] = [[], []]
  const { key } = await team('loop')
  settings({ LOOP_KEY: key, UPSTREAMS: JSON.stringify([OPENAI, GEMINI]) })
  const handle = async (request: Request): Promise<Response> => {
    passed.push(request.clone())
    const response = await knock(request.url, request)
    answers.push(response.status)
    return response
  }
  internet({ 'mirror.example.com': { handle } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

describe('an upstream that is the gateway itself', () => {
  test.each([
    ['an image', '/v1/images/generations', { model: 'openai-art', prompt: 'A cat' }],
    ['an image by another wire format', '/v1/images/generations', { model: 'gemini-art', prompt: 'A cat' }],
    [
      'an image in a chat',
      '/v1/chat/completions',
      { model: 'gemini-art', messages: [{ role: 'user', content: 'A cat' }] },
    ],
    ['a text', '/v1/chat/completions', { model: 'talker', messages: [{ role: 'user', content: 'Hello' }] }],
  ])('is asked for %s once, and lacks the model from then on', async (_, path, body) => {
    const first = await post(path, body)
    expect(await errorOf(first)).toMatchObject({ status: 503 })
    expect(await errorOf(await post(path, { ...body, user: 'another' }))).toMatchObject({ status: 503 })
    expect(answers).toEqual([508])
    expect(passed.map(({ headers }) => headers.get('darkroom-hops'))).toEqual([GATEWAY])
  })
})

describe('a request that has passed this gateway', () => {
  const headers = { 'darkroom-hops': `${OTHER}, ${GATEWAY}` }
  const said = 'This request comes from this gateway itself: one of its upstreams leads back to it.'

  test.each([
    ['/v1/images/generations', {}, 508],
    ['/v1/chat/completions', {}, 508],
    ['/v1/responses', {}, 508],
    ['/v1beta/models/gpt-image-2:generateContent', {}, 508],
    // A client of OpenRouter retries each 5xx for an hour.
    ['/api/v1/images', {}, 424],
    ['/v1/draw/completions', {}, 200],
    ['/v1/api/generate', {}, 508],
  ])('is refused at %s', async (path, body, status) => {
    const response = await post(path, body, headers)
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([status, 'false'])
    expect(await response.text()).toContain(said)
    expect(passed).toEqual([])
  })
})

test('a request through another gateway is served, and carries both on', async () => {
  internet({
    'mirror.example.com': {
      handle: (request) => {
        passed.push(request)
        return Response.json({ error: { message: 'This size is not made.' } }, { status: 400 })
      },
    },
  })
  const asked = { model: 'openai-art', prompt: 'A cat' }
  expect((await post('/v1/images/generations', asked, { 'darkroom-hops': `${OTHER}, <script>` })).status).toBe(400)
  expect(passed[0]?.headers.get('darkroom-hops')).toBe(`${OTHER}, ${GATEWAY}`)
})
