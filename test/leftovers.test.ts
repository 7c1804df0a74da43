import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from './support/alarms'
import { FakeOpenai } from './support/fake-openai'
import { post } from './support/gateway'
import { internet } from './support/internet'
import { upstreams } from './support/upstreams'

upstreams()

describe('a deadline that passes while an image is stored', () => {
  test('ends the run for good, and what is stored later is removed', async () => {
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

describe('attempts that came to nothing', () => {
  const stored = async (): Promise<number> => (await env.IMAGES.list({ prefix: 'images/' })).objects.length

  test.each([
    ['and so did all others', 'A cat @fault=cut-second', 502, 0],
    ['but another one to something', 'A cat @once=cut-second', 200, 2],
  ])('leave no image behind: %s', async (_, prompt, status, left) => {
    const put = vi.spyOn(env.IMAGES, 'put')
    const removed = vi.spyOn(env.IMAGES, 'delete')
    const body = { model: 'gpt-image-2', prompt, n: 2 }
    expect((await post('/v1/images/generations', body)).status).toBe(status)
    expect(put).toHaveBeenCalledTimes(left === 0 ? 2 : 3)
    await vi.waitUntil(() => removed.mock.calls.length > 0)
    await vi.waitUntil(async () => (await stored()) === left)
  })

  test('leave no image behind when their process dies', async () => {
    const body = { model: 'gpt-image-2', prompt: 'A cat @once=silence-second', n: 2 }
    const answer = post('/v1/images/generations', body)
    await vi.waitUntil(async () => (await stored()) === 1)
    await abortAllDurableObjects()
    const removed = vi.spyOn(env.IMAGES, 'delete')
    expect((await answer).status).toBe(200)
    await vi.waitUntil(() => removed.mock.calls.length > 0)
    await vi.waitUntil(async () => (await stored()) === 2)
  })
})
