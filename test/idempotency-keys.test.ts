import { env } from 'cloudflare:workers'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from './support/alarms'
import { errorOf, openai } from './support/gateway'
import { answered, askAs, NO_CACHE, NO_STORE } from './support/idempotency'
import { at, HOUR } from './support/orders'
import { ask, team } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

describe('the same Idempotency-Key with another request', () => {
  test.each([{ prompt: 'A dog' }, { n: 2 }, { size: '1536x1024' }, { quality: 'high' }, { output_format: 'webp' }])(
    'is refused: %j',
    async (other) => {
      const send = askAs(await team('acme'))
      await (await send()).text()
      const response = await send(other)
      expect(response.headers.get('x-should-retry')).toBe('false')
      expect(await errorOf(response)).toMatchObject({ status: 422, code: 'idempotency_conflict' })
      expect(upstream.calls).toHaveLength(1)
    },
  )

  test("is the SDK's own error", async () => {
    const client = openai({ apiKey: (await team('acme')).key, maxRetries: 2 })
    const options = { headers: { 'idempotency-key': 'k1' } }
    await client.images.generate({ model: 'gpt-image-2', prompt: 'A cat' }, options)
    const second = client.images.generate({ model: 'gpt-image-2', prompt: 'A dog' }, options)
    await expect(second).rejects.toBeInstanceOf(OpenAI.UnprocessableEntityError)
  })

  test('is refused also during the first request and after its failure', async () => {
    const send = askAs(await team('acme'))
    const first = send({ prompt: 'A cat @delay=300 @fault=500' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    expect((await send({ prompt: 'A dog' })).status).toBe(422)
    expect((await first).status).toBe(502)
    expect((await send({ prompt: 'A dog' })).status).toBe(422)
  })

  test.each([{ user: 'somebody' }, { response_format: 'b64_json' }, { n: null }, { model: 'house-style' }])(
    'is accepted where the picture is the same: %j',
    async (other) => {
      const send = askAs(await team('acme'))
      await (await send()).text()
      expect((await send(other)).headers.get('idempotent-replayed')).toBe('true')
    },
  )
})

describe('a request that is refused before its key counts', () => {
  test('leaves the key free', async () => {
    const send = askAs(await team('acme'))
    expect((await send({ size: '1x1' })).status).toBe(400)
    expect((await send()).status).toBe(200)
  })
})

describe('an Idempotency-Key', () => {
  test.each([
    ['bare', 'k-1_2.3~4', 'k-1_2.3~4'],
    ['quoted and bare', '"k1"', 'k1'],
    ['with escaped characters', '"a \\"b\\" \\\\"', '"a \\"b\\" \\\\"'],
    ['of 255 characters', 'k'.repeat(255), 'k'.repeat(255)],
  ])('is recognised: %s', async (_, first, second) => {
    const send = askAs(await team('acme'))
    await (await send({}, { 'idempotency-key': first })).text()
    expect((await send({ prompt: 'A dog' }, { 'idempotency-key': second })).status).toBe(422)
  })

  test.each(['', '""', 'k'.repeat(256), 'two words', 'k1, k2', '"open', 'naïve', '"\\n"'])(
    'is refused: %s',
    async (key) => {
      const error = await errorOf(await askAs(await team('acme'))({}, { 'idempotency-key': key }))
      expect(error).toMatchObject({ status: 400, param: 'Idempotency-Key', code: 'invalid_value' })
      expect(upstream.calls).toHaveLength(0)
    },
  )
})

describe('a day later', () => {
  const START = Date.now()
  const hours = (count: number): unknown => at(START + count * HOUR)

  test('a replay works although the cache dropped the picture', async () => {
    const acme = await team('acme')
    hours(0)
    const { url, id } = await answered(await ask(acme.key))
    hours(23)
    await (await askAs(acme)()).text()
    hours(25)
    await ringGenerations()
    await env.CACHE.delete(`records/${id}`)
    expect(await answered(await askAs(acme)())).toMatchObject({ url, replayed: 'true' })
    expect(upstream.calls).toHaveLength(1)
  })

  test('a replay of an uncached answer works for the life of its key', async () => {
    const send = askAs(await team('acme'))
    hours(0)
    const { url } = await answered(await send({}, NO_STORE))
    hours(23)
    await ringGenerations()
    expect(await answered(await send({}, NO_STORE))).toMatchObject({ url, replayed: 'true' })
  })

  test('a key is free again', async () => {
    const send = askAs(await team('acme'))
    hours(0)
    const { id } = await answered(await send({}, NO_STORE))
    hours(24.01)
    const later = await answered(await send({ prompt: 'A dog' }, NO_STORE))
    expect([later.status, later.replayed, later.id === id]).toEqual([200, null, false])
  })

  test('a key starts over with its next request', async () => {
    const send = askAs(await team('acme'))
    hours(0)
    await (await send({}, NO_CACHE)).text()
    hours(24.01)
    expect(await answered(await send({}, NO_CACHE))).toMatchObject({ replayed: null })
    expect(await answered(await send({}, NO_CACHE))).toMatchObject({ replayed: 'true' })
    expect(upstream.calls).toHaveLength(2)
  })

  test('the outcome of a request with a key is removed', async () => {
    const send = askAs(await team('acme'))
    hours(0)
    await (await send({}, NO_STORE)).text()
    hours(49)
    await ringGenerations()
    expect(await ringGenerations()).toBe(0)
  })
})
