import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from './support/alarms'
import { FakeOpenai } from './support/fake-openai'
import { post } from './support/gateway'
import { internet } from './support/internet'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

describe('a deadline that passes while an image is stored', () => {
  test('ends the run for good, and a later stored image is removed', async () => {
    const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
    internet({ 'relay.example.com': relay })
    const { promise: stored, resolve: store } = Promise.withResolvers<void>()
    const put = env.IMAGES.put.bind(env.IMAGES)
    vi.spyOn(env.IMAGES, 'put').mockImplementationOnce(async (...args: Parameters<typeof put>) => {
      await stored
      return await put(...args)
    })
    const response = await post('/v1/images/generations', { model: 'impatient', prompt: 'A cat', n: 2 })
    expect(response.status).toBe(504)
    const removed = vi.spyOn(env.IMAGES, 'delete')
    store()
    await vi.waitUntil(() => removed.mock.calls.length > 0)
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 0)
    expect(await ringGenerations()).toBe(0)
    expect(relay.calls).toHaveLength(1)
  })
})

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
