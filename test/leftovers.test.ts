import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { FakeOpenai } from './support/fake-openai'
import { post } from './support/gateway'
import { internet } from './support/internet'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

describe('an attempt that stored one of two images', () => {
  const stored = async (): Promise<number> => (await env.IMAGES.list({ prefix: 'images/' })).objects.length

  test('and then broke off requests only the other one', async () => {
    const body = { model: 'gpt-image-2', prompt: 'A cat @once=cut-second', n: 2 }
    const response = await post('/v1/images/generations', body)
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
    expect(upstream.calls.map(({ fields }) => fields['n'])).toEqual([2, undefined])
    await vi.waitUntil(async () => (await stored()) === 2)
  })

  test('and then died with its process requests only the other one', async () => {
    const body = { model: 'gpt-image-2', prompt: 'A cat @once=silence-second', n: 2 }
    const answer = post('/v1/images/generations', body)
    await vi.waitUntil(async () => (await stored()) === 1)
    await abortAllDurableObjects()
    expect((await (await answer).json<{ data: unknown[] }>()).data).toHaveLength(2)
    expect(upstream.calls.map(({ fields }) => fields['n'])).toEqual([2, undefined])
    await vi.waitUntil(async () => (await stored()) === 2)
  })

  test('and is past its deadline then costs as much as that one', async () => {
    const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
    internet({ 'relay.example.com': relay })
    const body = { model: 'impatient', prompt: 'A cat @fault=silence-second', n: 2 }
    const response = await post('/v1/images/generations', body)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'n=2>1'])
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(1)
  })
})
