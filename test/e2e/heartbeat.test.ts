import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ask, errorOf, requestOf, rest } from './support/requests.ts'
import { type IdleProxy, startIdleProxy } from './support/idle-proxy.ts'
import { decodePng } from './support/pictures.ts'
import { type Served, served } from './support/served.ts'

/* The intervals are scaled down; `npm run bench:heartbeat` shows the same in full length. */

const IDLE_MS = 4000

/** Models with an upstream each, so that a failure of one leaves the others healthy. */
const GEYSERS = Array.from({ length: 40 }, (_, number) => `geyser-${number}`)

const beating = served(
  { HEARTBEAT_AFTER_SECONDS: '1' },
  GEYSERS.map((model) => `${model}=relay-1`),
)
const silent = served({ HEARTBEAT_AFTER_SECONDS: '0' })
const proxies: IdleProxy[] = []

beforeAll(async () => {
  for (const { gateway } of [beating, silent]) proxies.push(await startIdleProxy(gateway.baseUrl, IDLE_MS))
})
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()))
})

const proxyOf = (running: Served): IdleProxy => {
  const proxy = proxies[running === beating ? 0 : 1]
  if (!proxy) throw new Error('the proxy has not been started')
  return proxy
}

/** The text of an answer that comes through a gateway's proxy. */
const textOf = async (running: Served, body: Record<string, unknown>): Promise<string> =>
  await (await ask(running.gateway, { body }, proxyOf(running).baseUrl)).text()

test('a fast answer begins with no white space, and has all of its headers', async () => {
  const response = await ask(beating.gateway, { body: { prompt: 'A pebble' } }, proxyOf(beating).baseUrl)
  expect(response.headers.get('x-cache')).toBe('MISS')
  expect(await response.text()).toMatch(/^\{/)
})

test.concurrent('a slow answer reaches a plain client whole through a proxy with an idle time-out', async () => {
  const prompt = 'A glacier @delay=6000'
  const { baseUrl, cuts } = proxyOf(beating)
  const before = cuts()
  const response = await ask(beating.gateway, { body: { prompt } }, baseUrl)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(response.headers.get('x-generation-id')).toMatch(/^gen_/)
  expect((await beating.upstream.callsFor(prompt)).map(({ outcome }) => outcome)).toEqual(['pending'])
  const text = await response.text()
  expect(text).toMatch(/^ +\{/)
  const answer: OpenAI.ImagesResponse = JSON.parse(text)
  expect(decodePng(Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64'))).toEqual({ width: 16, height: 16 })
  expect(cuts()).toBe(before)
  expect(await beating.upstream.callsFor(prompt)).toHaveLength(1)
})

test.concurrent("OpenAI's client reads an answer that begins with white space", async () => {
  const client = beating.gateway.sdk({ baseURL: proxyOf(beating).baseUrl })
  const answer = await client.images.generate({ model: 'gpt-image-2', prompt: 'A fjord @delay=4000' })
  expect(decodePng(Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64'))).toEqual({ width: 16, height: 16 })
})

test.concurrent('without a heartbeat the same answer is cut, and the retry gets it', async () => {
  const prompt = 'A glacier @delay=6000'
  const { baseUrl, cuts } = proxyOf(silent)
  const before = cuts()
  await expect(ask(silent.gateway, { body: { prompt } }, baseUrl)).rejects.toThrow('fetch failed')
  expect(cuts()).toBe(before + 1)
  const again = await ask(silent.gateway, { body: { prompt } })
  expect([again.status, again.headers.get('x-cache')]).toEqual([200, 'JOINED'])
  expect(await silent.upstream.callsFor(prompt)).toHaveLength(1)
})

test.concurrent('a stream is kept open by comments, which its client does not see', async () => {
  const prompt = 'A moraine @delay=6000'
  const text = await textOf(beating, { prompt, stream: true })
  expect(text.split('\n\n').filter((each) => each.startsWith(':')).length).toBeGreaterThan(2)
  const client = beating.gateway.sdk({ baseURL: proxyOf(beating).baseUrl })
  const body = { model: 'gpt-image-2', prompt: 'A crevasse @delay=6000', stream: true } as const
  const events = await rest(await client.images.generate(body))
  expect(events.map(({ type }) => type)).toEqual(['image_generation.completed'])
})

test.concurrent('a stream without a heartbeat setting is kept open all the same', async () => {
  const response = await ask(silent.gateway, { body: { prompt: 'A sandur @delay=16000', stream: true } })
  expect(await response.text()).toMatch(/^: .*\n\n/)
})

test.concurrent("a failure after the white space is a connection error to OpenAI's client, and its retry gets the failure", async () => {
  const prompt = 'A geyser for the SDK @delay=3000 @fault=moderation'
  const body = { model: 'gpt-image-2', prompt }
  const error = await errorOf(beating.gateway.sdk().images.generate(body))
  expect(error).not.toBeInstanceOf(OpenAI.BadRequestError)
  expect(String(error)).toMatch(/terminated|Connection error/)
  const again = beating.gateway.sdk().images.generate(body)
  await expect(again).rejects.toBeInstanceOf(OpenAI.BadRequestError)
  await expect(again).rejects.toMatchObject({ status: 400, code: 'moderation_blocked' })
  expect(await beating.upstream.callsFor(prompt)).toHaveLength(1)
})

test.concurrent('a failure in a stream is an event of the stream', async () => {
  const prompt = 'A fumarole @delay=3000 @fault=moderation'
  const text = await textOf(beating, { prompt, stream: true })
  expect(text).toMatch(/^: .*\n\n[\s\S]*event: error\ndata: \{"error":\{.*"code":"moderation_blocked".*\n\n$/)
})

test.concurrent('a request that was cut off finds its picture, made once', async () => {
  const body = { prompt: 'A cirque @delay=4000' }
  const controller = new AbortController()
  const request = requestOf(beating.gateway, { body })
  const cut = await fetch(`${beating.gateway.baseUrl}/images/generations`, { ...request, signal: controller.signal })
  controller.abort()
  await expect(cut.text()).rejects.toThrow('aborted')
  await vi.waitFor(async () => expect((await beating.upstream.callsFor(body.prompt))[0]?.outcome).toBe('answered'), {
    timeout: 60_000,
  })
  expect((await ask(beating.gateway, { body })).headers.get('x-cache')).toMatch(/HIT|JOINED|MISS/)
  expect(await beating.upstream.callsFor(body.prompt)).toHaveLength(1)
})

test.each([
  ['503', { type: 'server_error' }, 502],
  ['moderation', { code: 'moderation_blocked' }, 400],
])('a failure (%s) after the white space breaks the connection off, and the retry gets it', async (...row) => {
  const [fault, error, status] = row
  const prompt = `A geyser @delay=3000 @fault=${fault}`
  const response = await ask(beating.gateway, { body: { prompt } })
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')

  const again = await ask(beating.gateway, { body: { prompt } })
  expect(again.status).toBe(status)
  expect(await again.json()).toMatchObject({ error })
  expect(await beating.upstream.callsFor(prompt)).toHaveLength(fault === 'moderation' ? 1 : 2)
})

test('a retry after white space gets the failure, even if both coincide', async () => {
  const calls = await Promise.all(
    GEYSERS.map(async (model, number) => {
      const prompt = `A geyser, number ${number} @delay=${300 + 3 * number} @fault=503`
      // An answer that is broken off at its first byte may reach the client as a closed connection.
      const response = await ask(beating.gateway, { body: { model, prompt } }).catch(() => undefined)
      await response?.text().catch(() => {})
      if (response && response.status !== 200) return 2
      expect((await ask(beating.gateway, { body: { model, prompt } })).status).toBe(502)
      return (await beating.upstream.callsFor(prompt)).length
    }),
  )
  expect(calls).toEqual(calls.map(() => 2))
})
