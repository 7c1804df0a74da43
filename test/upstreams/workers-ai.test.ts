import { expect, test } from 'vitest'
import { configOf } from '../../src/config'
import { candidates } from '../../src/upstreams/candidates'

const [SCHNELL, LLAMA] = ['@cf/black-forest-labs/flux-1-schnell', '@cf/meta/llama-3.1-8b-instruct']
const AI = { run: () => Promise.reject(new Error('is not asked')) }
const upstream = { name: 'cloudflare', provider: 'workers-ai' }
const base_url = 'https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/run/'

const configured = (changed: object) =>
  configOf({
    ADMIN_TOKEN: 'admin-token-of-the-tests',
    SIGNING_SECRET: 'signing-secret-of-the-tests-32-characters',
    CLOUDFLARE_TOKEN: 'token-a, token-b',
    ...changed,
  })

const serving = (changed: object, model: string) => candidates(configured(changed), model, Date.now())

test('the binding alone switches Workers AI on, for its image models and no others', () => {
  const [only, ...others] = configured({ AI }).upstreams
  expect(only).toMatchObject({ name: 'workers-ai', binding: AI, credential: '', baseUrl: '', account: 0 })
  expect(others).toEqual([])
  expect(serving({ AI }, SCHNELL)).toMatchObject([{ model: SCHNELL }])
  expect(serving({ AI }, LLAMA)).toEqual([])
  expect(configured({ AI: 'no binding' }).upstreams).toEqual([])
})

test('an entry of UPSTREAMS without a secret stands for the binding', () => {
  const [only] = configured({ AI, UPSTREAMS: [{ ...upstream, models: ['art=@cf/leonardo/phoenix-1.0'] }] }).upstreams
  expect(only).toMatchObject({ name: 'cloudflare', binding: AI })
  expect(only?.models).toEqual([{ ours: 'art', theirs: '@cf/leonardo/phoenix-1.0' }])
  expect(serving({ AI, UPSTREAMS: [upstream] }, SCHNELL)).toHaveLength(1)
})

test('an entry of UPSTREAMS with a secret is reached by its URL, with an account for each credential', () => {
  const UPSTREAMS = [{ ...upstream, secret: 'CLOUDFLARE_TOKEN', base_url }]
  const [first, second] = configured({ AI, UPSTREAMS }).upstreams
  expect([first?.credential, second?.credential, first?.binding]).toEqual(['token-a', 'token-b', undefined])
  expect(first?.baseUrl).toBe('https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/run')
  expect(serving({ UPSTREAMS }, SCHNELL)).toHaveLength(2)
  expect(serving({ UPSTREAMS }, 'gpt-image-2')).toEqual([])
})

test.each<[string, object, RegExp]>([
  ['both are missing', upstream, /cloudflare, needs a base_url such as https:\S+ACCOUNT_ID\S+, or the binding AI/],
  ['a secret has no URL', { ...upstream, secret: 'CLOUDFLARE_TOKEN' }, /needs a base_url such as https:\S+ACCOUNT_ID/],
  ['a URL has no secret', { ...upstream, base_url }, /cloudflare, needs a secret/],
  ['another provider has no secret', { name: 'a', provider: 'openai' }, /UPSTREAMS, entry a, needs a secret/],
])('settings name the missing part where %s', (_, entry, message) => {
  expect(() => configured({ UPSTREAMS: [entry] })).toThrow(message)
})
