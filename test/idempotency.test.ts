import { abortAllDurableObjects } from 'cloudflare:test'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { openai } from './support/gateway'
import { answered, askAs, NO_CACHE, NO_STORE } from './support/idempotency'
import { begin, collect, words } from './support/streams'
import { ask, issue, stored, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

describe('the same Idempotency-Key and request', () => {
  test.each([
    ['', {}],
    ['and no-store', NO_STORE],
    ['and no-cache', NO_CACHE],
    ['and max-age=0', { 'cache-control': 'max-age=0' }],
  ])('%s get the same generation, marked as replayed, at no cost', async (_, headers) => {
    const send = askAs(await team('acme'))
    const first = await answered(await send({}, headers))
    expect(first).toMatchObject({ status: 200, replayed: null })
    const again = await answered(await send({}, headers))
    expect(again).toEqual({ ...first, cache: 'HIT', replayed: 'true', cost: '0.000000' })
    expect(upstream.calls).toHaveLength(1)
  })

  test.each([
    ['', {}],
    ['with no-store', NO_STORE],
    ['with no-cache', NO_CACHE],
  ])('fifty times at once %s call the upstream once', async (_, headers) => {
    const send = askAs(await team('acme'))
    const asked = Array.from({ length: 50 }, async () => answered(await send({ prompt: 'A cat @delay=300' }, headers)))
    const answers = await Promise.all(asked)
    expect(new Set(answers.map(({ status, url }) => `${status} ${url}`)).size).toBe(1)
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1)
    expect([upstream.calls.length, await stored()]).toEqual([1, 1])
  })

  test('get the finished run of a first client that hung up', async () => {
    const { key } = await team('acme')
    const [client, abort] = [openai({ apiKey: key }), new AbortController()]
    const request = { model: 'gpt-image-2', prompt: 'A cat @delay=200' }
    const headers = { 'idempotency-key': 'k1', ...NO_STORE }
    const gone = client.images.generate(request, { headers, signal: abort.signal }).catch((error: unknown) => error)
    await vi.waitUntil(() => upstream.calls.length === 1)
    abort.abort()
    expect(await gone).toBeInstanceOf(OpenAI.APIUserAbortError)
    expect((await client.images.generate(request, { headers })).data).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })

  test('get one more upstream call after their process died in the middle, and no third', async () => {
    const send = askAs(await team('acme'))
    const first = send({ prompt: 'A cat @delay=300' }, NO_STORE)
    await vi.waitUntil(() => upstream.calls.length === 1)
    await abortAllDurableObjects()
    const [one, other] = await Promise.all(
      [first, send({ prompt: 'A cat @delay=300' }, NO_STORE)].map(async (each) => answered(await each)),
    )
    expect([one?.status, other?.status, one?.url === other?.url]).toEqual([200, 200, true])
    expect(upstream.calls).toHaveLength(2)
  })

  test('get the answer of a process that died after it', async () => {
    const send = askAs(await team('acme'))
    const { url } = await answered(await send({}, NO_STORE))
    await abortAllDurableObjects()
    expect(await answered(await send({}, NO_STORE))).toMatchObject({ url, replayed: 'true' })
  })

  test('may be a stream the second time', async () => {
    const acme = await team('acme')
    await (await askAs(acme)()).text()
    const options = { client: openai({ apiKey: acme.key }), headers: { 'idempotency-key': 'k1' } }
    expect(words(await collect(begin('generation', { prompt: 'A cat' }, options)))).toBe('done')
    expect(upstream.calls).toHaveLength(1)
  })

  test.each(['500', 'cut', 'empty'])('are made again after a failure (@fault=%s)', async (fault) => {
    const send = askAs(await team('acme'))
    const prompt = `A cat @fault=${fault}`
    expect((await send({ prompt })).status).toBeGreaterThanOrEqual(400)
    const calls = upstream.calls.length
    expect(await answered(await send({ prompt }))).toMatchObject({ replayed: null })
    expect(upstream.calls.length).toBeGreaterThan(calls)
  })

  test('are refused again by a lasting failure', async () => {
    const send = askAs(await team('acme'))
    const prompt = 'A cat @fault=moderation'
    expect([(await send({ prompt })).status, (await send({ prompt })).status]).toEqual([400, 400])
    expect(upstream.calls).toHaveLength(1)
  })

  test('may use another key of the team', async () => {
    const acme = await team('acme')
    const { url } = await answered(await askAs(acme)({}, NO_STORE))
    const other = await issue('acme')
    expect(await answered(await askAs(other)({}, NO_STORE))).toMatchObject({ url, replayed: 'true' })
  })

  test('of another team are its own', async () => {
    const [acme, bolt] = [await team('acme'), await team('bolt')]
    const first = await answered(await askAs(acme)())
    const second = await answered(await askAs(bolt)())
    expect([second.replayed, second.id === first.id, upstream.calls.length]).toEqual([null, false, 2])
    expect((await askAs(bolt)({ prompt: 'A dog' })).status).toBe(422)
  })

  test('make the picture again after its deletion', async () => {
    const acme = await team('acme')
    const { id } = await answered(await askAs(acme)())
    expect((await visit(acme.key, `/v1/generations/${id}`, 'DELETE')).ok).toBe(true)
    expect(await answered(await askAs(acme)())).toMatchObject({ status: 200, replayed: null, cache: 'MISS' })
  })
})

describe('requests with a key and without', () => {
  test('share a cached answer', async () => {
    const acme = await team('acme')
    const first = await answered(await ask(acme.key))
    expect(await answered(await askAs(acme)())).toMatchObject({ url: first.url, cache: 'HIT', replayed: null })
    expect((await ask(acme.key)).headers.get('x-cache')).toBe('HIT')
    expect(upstream.calls).toHaveLength(1)
  })

  test('share a run', async () => {
    const acme = await team('acme')
    const prompt = 'A cat @delay=300'
    const asked = [
      ask(acme.key, { prompt }),
      askAs(acme)({ prompt }),
      askAs(acme)({ prompt }, { 'idempotency-key': 'k2' }),
    ]
    const answers = await Promise.all(asked.map(async (each) => answered(await each)))
    expect(answers.filter(({ cache }) => cache === 'JOINED')).toHaveLength(2)
    expect(upstream.calls).toHaveLength(1)
  })

  test('share nothing with no-store', async () => {
    const acme = await team('acme')
    for (const key of ['k1', 'k2']) await (await askAs(acme)({}, { ...NO_STORE, 'idempotency-key': key })).text()
    expect(await answered(await ask(acme.key))).toMatchObject({ cache: 'MISS' })
    expect(upstream.calls).toHaveLength(3)
  })
})
