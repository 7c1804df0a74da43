import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import worker from '../src/index'
import type { Prices } from '../src/catalog/prices'
import { configOf } from '../src/config'
import { candidates } from '../src/upstreams/candidates'
import { resolveModel } from '../src/upstreams/names'

const settings = {
  ADMIN_TOKEN: 'admin-token-of-the-tests',
  SIGNING_SECRET: 'signing-secret-of-the-tests-32-characters',
}
const withSettings = (changed: Record<string, unknown>): Env => ({ ...env, ...changed })
describe('without a list of upstreams', () => {
  const names = (changed: object, model: string): string[] =>
    candidates(configOf({ ...settings, ...changed }), model, Date.now()).map(
      ({ upstream }) => `${upstream.name} ${upstream.account}`,
    )

  test('a secret switches on a well-known one, with an account for each of its credentials', () => {
    expect(names({ OPENAI_API_KEY: 'sk-a, sk-b' }, 'gpt-image-2')).toEqual(['openai 0', 'openai 1'])
    expect(names({ OPENAI_API_KEY: 'sk-a' }, 'gemini-3-pro-image')).toEqual([])
    expect(names({}, 'gpt-image-2')).toEqual([])
  })

  test("a model's maker comes before its resellers, in any order of names", () => {
    const secrets = { OPENAI_API_KEY: 'a', OPENROUTER_API_KEY: 'b', GRSAI_API_KEY: 'c', GEMINI_API_KEY: 'd' }
    expect(names(secrets, 'gpt-image-2')).toEqual(['openai 0', 'grsai 0', 'openrouter 0'])
    expect(names(secrets, 'gemini-3-pro-image')).toEqual(['gemini 0', 'grsai 0', 'openrouter 0'])
    const flux = { FAL_KEY: 'a', FIREWORKS_API_KEY: 'b', REPLICATE_API_TOKEN: 'c', TOGETHER_API_KEY: 'd' }
    const [maker, ...sellers] = names({ ...flux, BFL_API_KEY: 'e' }, 'flux-kontext-pro')
    expect(maker).toBe('black-forest-labs 0')
    expect(sellers).toEqual(names(flux, 'flux-kontext-pro'))
    expect(sellers.length).toBeGreaterThan(0)
  })

  test('the demo serves catalogued models without another upstream', () => {
    expect(names({ DEMO_UPSTREAM: 'true' }, 'gpt-image-2')).toEqual(['demo 0'])
    expect(names({ DEMO_UPSTREAM: 'true', OPENAI_API_KEY: 'sk-a' }, 'gpt-image-2')).toEqual(['openai 0'])
    expect(names({ DEMO_UPSTREAM: 'true' }, 'unheard-of')).toEqual([])
    expect(names({ DEMO_UPSTREAM: 'false' }, 'gpt-image-2')).toEqual([])
  })
})

describe('a list of upstreams', () => {
  const upstream = { provider: 'openai', secret: 'KEY' }
  const order = (list: object[], model: string): string[] =>
    candidates(configOf({ ...settings, KEY: 'sk-a', UPSTREAMS: list }), model, Date.now()).map(
      (each) => `${each.upstream.name} ${each.model}`,
    )

  test('is tried by priority, and in its own order for equal ones', () => {
    const list = [
      { ...upstream, name: 'last', priority: 5 },
      { ...upstream, name: 'one', models: ['*'] },
      { ...upstream, name: 'two', models: ['gpt-image-2=their-name', 'gpt-*'] },
      { ...upstream, name: 'none', models: ['other'] },
    ]
    expect(order(list, 'gpt-image-2')).toEqual(['one gpt-image-2', 'two their-name', 'last gpt-image-2'])
  })

  test('without models serves every model, at a URL of its own', () => {
    expect(order([{ ...upstream, name: 'relay', base_url: 'https://relay.example.com/v1' }], 'flux-9')).toEqual([
      'relay flux-9',
    ])
    expect(order([{ ...upstream, name: 'openai' }], 'flux-9')).toEqual([])
  })

  const meaning = (changed: object, name: string) =>
    resolveModel(name, configOf({ ...settings, KEY: 'sk-a', ...changed }), Date.now())

  test('serves a model under a retired name of its own list', () => {
    const UPSTREAMS = [{ ...upstream, name: 'relay', models: ['dall-e-3', 'gpt-image-2'] }]
    expect(meaning({ UPSTREAMS }, 'dall-e-3')).toEqual({ model: 'dall-e-3', retired: false })
    expect(meaning({ UPSTREAMS }, 'dall-e-2')).toEqual({ model: 'gpt-image-2', retired: true })
    expect(meaning({ UPSTREAMS }, 'other')).toBeUndefined()
  })

  test("serves a relay's own name where listed, and otherwise the successor of that name", () => {
    const [grsai, google] = [
      { ...upstream, name: 'grsai', models: ['nano-banana-pro', 'gpt-image-2=gpt-image-2-vip'] },
      { ...upstream, name: 'google', models: ['gemini-*'] },
    ]
    expect(meaning({ UPSTREAMS: [grsai, google] }, 'nano-banana-pro')).toEqual({
      model: 'nano-banana-pro',
      retired: false,
    })
    expect(meaning({ UPSTREAMS: [google] }, 'nano-banana-pro')).toEqual({ model: 'gemini-3-pro-image', retired: true })
    expect(meaning({ UPSTREAMS: [grsai] }, 'sora-image')).toEqual({ model: 'gpt-image-2', retired: true })
    expect(meaning({ UPSTREAMS: [grsai] }, 'nano-banana-fast')).toBeUndefined()
  })

  test.each([['*'], ['dall-e-*'], ['d*']])('gives no retired model to the pattern %s', (pattern) => {
    const UPSTREAMS = [{ ...upstream, name: 'relay', models: [pattern, 'gpt-image-2.5-sunburst'] }]
    expect(meaning({ UPSTREAMS }, 'dall-e-3')).toEqual({ model: 'gpt-image-2.5-sunburst', retired: true })
    expect(meaning({ UPSTREAMS: [{ ...upstream, name: 'relay', models: ['dall-e-*'] }] }, 'dall-e-3')).toBeUndefined()
  })

  test("has prices of its own, under the gateway's names", () => {
    const prices = { 'gpt-image-2': { image: 0.02 }, 'house-art': { image_out: 12 } }
    const [first] = configOf({ ...settings, KEY: 'sk-a', UPSTREAMS: [{ ...upstream, name: 'a', prices }] }).upstreams
    expect(first?.prices).toEqual(
      new Map<string, Prices>([
        ['gpt-image-2', { per: 'image', each: 0.02 }],
        ['house-art', { per: 'token', textIn: 0, imageIn: 0, textOut: 0, imageOut: 12 }],
      ]),
    )
  })

  test('applies operator aliases first, which are no adaptation', () => {
    const UPSTREAMS = [{ ...upstream, name: 'relay', models: ['gpt-image-2', 'gpt-image-2.5-sunburst'] }]
    const MODEL_ALIASES = '{"house-style":"gpt-image-2","old-style":"dall-e-3"}'
    expect(meaning({ UPSTREAMS, MODEL_ALIASES }, 'house-style')).toEqual({ model: 'gpt-image-2', retired: false })
    expect(meaning({ UPSTREAMS, MODEL_ALIASES }, 'old-style')).toEqual({
      model: 'gpt-image-2.5-sunburst',
      retired: true,
    })
  })
})

test('a demo picture leaves the cache once a real upstream is configured', async () => {
  const ask = async (changed: Record<string, unknown>): Promise<string | null> => {
    const response = await worker.fetch(
      new Request('https://darkroom.example.net/v1/images/generations', {
        method: 'POST',
        headers: { authorization: 'Bearer sk-dr-default-tests', 'content-type': 'application/json' },
        body: '{"model":"demo-art","prompt":"A cat","response_format":"url"}',
      }),
      withSettings(changed),
      createExecutionContext(),
    )
    await response.text()
    return response.headers.get('x-generation-id')
  }
  const UPSTREAMS = [{ name: 'a', provider: 'openai', secret: 'UPSTREAM_KEY', models: ['*'] }]
  const id = await ask({})
  expect(id).toMatch(/^gen_[0-9a-f]{64}$/)
  expect(await ask({ UPSTREAMS })).not.toBe(id)
})

test('a small cap on bodies holds for a body without a declared length', async () => {
  const response = await worker.fetch(
    new Request('https://darkroom.example.net/v1/images/generations', {
      method: 'POST',
      headers: { authorization: 'Bearer sk-dr-default-tests', 'content-type': 'application/json' },
      body: new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode(' '.repeat(1000))),
      }),
    }),
    withSettings({ MAX_BODY_BYTES: 20_000 }),
    createExecutionContext(),
  )
  expect(response.status).toBe(413)
})
