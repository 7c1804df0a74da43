import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { FakeOpenai } from './fake-openai'
import { FakeText } from './fake-text'
import { post } from './gateway'
import { internet } from './internet'
import { settings } from './settings'
import { deleteObjects } from './objects'

const PRICES = { text_in: 2, text_out: 10 }

const UPSTREAMS = [
  { name: 'openai', provider: 'openai', secret: 'UPSTREAM_KEY', models: ['gpt-image-*'] },
  { name: 'demo', provider: 'demo', secret: 'UPSTREAM_KEY', base_url: 'https://demo.example.com', models: ['painter'] },
  {
    name: 'first',
    provider: 'openai',
    secret: 'FIRST_KEY',
    base_url: 'https://first.example.com/v1',
    models: ['gpt-5.2', 'brief=gpt-5.2-mini-with-a-longer-name', 'unpriced'],
    timeout_seconds: 1,
    prices: { 'gpt-5.2': PRICES, brief: PRICES },
  },
  {
    name: 'second',
    provider: 'openai',
    secret: 'TWO_KEYS',
    base_url: 'https://second.example.com/v1',
    models: ['gpt-5.2=gpt-5.2-eu', 'unpriced'],
    priority: 1,
    prices: { 'gpt-5.2': { text_in: 4, text_out: 20 } },
  },
]

/** Two upstreams of text models beside one of image models; each test finds them as new, and leaves nothing behind. */
export function texts(): { first: FakeText; second: FakeText; images: FakeOpenai } {
  settings({
    DEMO_UPSTREAM: false,
    UPSTREAMS: JSON.stringify(UPSTREAMS),
    MODEL_ALIASES: { 'house-style': 'gpt-image-2', quick: 'gpt-5.2' },
  })
  const first = new FakeText(['sk-first-secret'], ['gpt-5.2', 'gpt-5.2-mini-with-a-longer-name', 'unpriced'])
  const second = new FakeText(['sk-second-secret', 'sk-third-secret'], ['gpt-5.2-eu', 'unpriced'])
  const images = new FakeOpenai()
  beforeEach(() => {
    for (const each of [first, second, images]) each.reset()
    internet({ 'api.openai.com': images, 'first.example.com': first, 'second.example.com': second })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    await deleteObjects()
  })
  return { first, second, images }
}

export const HELLO = { model: 'gpt-5.2', messages: [{ role: 'user', content: 'Hello' }] }

/** Requests a chat completion, with the settings' static key or with another. */
export const chat = (body: unknown = HELLO, key?: string, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/chat/completions', body, { ...headers, ...(key ? { authorization: `Bearer ${key}` } : {}) })

/** The objects of the bucket under a prefix of keys. */
export const stored = async (prefix = ''): Promise<string[]> =>
  (await env.IMAGES.list({ prefix })).objects.map(({ key }) => key)
