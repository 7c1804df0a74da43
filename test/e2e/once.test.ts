import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Gateway, sendingTo, startGateway } from './support/gateway.ts'
import { full } from '../support/full.ts'
import { decoded, fetched, sha256 } from './support/pictures.ts'
import { type Upstream, startUpstream } from './support/upstream.ts'

let upstream: Upstream
let gateway: Gateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway(sendingTo(upstream.origin))
})
afterAll(async () => {
  await gateway?.stop()
  await upstream?.stop()
})

/** Identical requests at once; `npm run bench` sends 1,000. */
const CROWD = full ? 1000 : 300

type Request = OpenAI.ImageGenerateParamsNonStreaming

/** An answer without the signatures of its links, which depend on the time. */
const timeless = (answer: OpenAI.ImagesResponse): string =>
  JSON.stringify(answer, (name, value: unknown) => (name === 'url' ? new URL(String(value)).pathname : value))

/** Sends one request so many times at once; returns the different answers and generation ids. */
async function askAtOnce(
  times: number,
  body: Request,
): Promise<{ answers: Set<string>; generations: Set<string | null> }> {
  const client = gateway.sdk()
  const all = await Promise.all(Array.from({ length: times }, () => client.images.generate(body).withResponse()))
  return {
    answers: new Set(all.map(({ data }) => timeless(data))),
    generations: new Set(all.map(({ response }) => response.headers.get('x-generation-id'))),
  }
}

const picturesOf = async (answer: OpenAI.ImagesResponse): Promise<Buffer[]> =>
  answer.data?.[0]?.url ? await fetched(answer) : decoded(answer)

test.each(['url', 'b64_json'] as const)('a repeated request needs no upstream: %s', async (response_format) => {
  const body: Request = { model: 'gpt-image-2', prompt: `A lone tree as ${response_format}`, response_format }
  const first = await gateway.sdk().images.generate(body)
  await upstream.stop()
  try {
    const { data, response } = await gateway.sdk().images.generate(body).withResponse()
    expect(response.headers.get('x-cache')).toBe('HIT')
    expect(timeless(data)).toBe(timeless(first))
    expect((await picturesOf(data)).map(sha256)).toEqual((await picturesOf(first)).map(sha256))
  } finally {
    upstream = await startUpstream(upstream.port)
  }
})

test.each(['url', 'b64_json'] as const)(
  `${CROWD} identical requests at once make one upstream call: %s`,
  async (response_format) => {
    const body: Request = {
      model: 'gpt-image-2',
      prompt: `A beehive as ${response_format} @delay=3000`,
      response_format,
    }
    const { answers, generations } = await askAtOnce(CROWD, body)
    expect(answers.size).toBe(1)
    expect(generations.size).toBe(1)
    expect(await upstream.callsFor(body.prompt)).toHaveLength(1)
  },
)

test.concurrent('a client that hangs up on a long generation and asks again gets the image of that generation', async () => {
  const body = { model: 'gpt-image-2', prompt: 'A cathedral @delay=8000' }
  const hasty = request(`${gateway.baseUrl}/images/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
  })
  hasty.end(JSON.stringify(body))
  await vi.waitFor(async () => expect(await upstream.callsFor(body.prompt)).toHaveLength(1), { timeout: 60_000 })
  await pause(1000)
  hasty.destroy()
  await expect(once(hasty, 'close')).rejects.toThrow('socket hang up')

  const { data, response } = await gateway.sdk().images.generate(body).withResponse()
  expect(response.headers.get('x-cache')).toBe('JOINED')
  expect(decoded(data)).toHaveLength(1)
  const calls = await upstream.callsFor(body.prompt)
  expect(calls.map(({ outcome }) => outcome)).toEqual(['answered'])
})

test.concurrent('a client that hangs up and asks again once the image is made finds it', async () => {
  const body = { model: 'gpt-image-2', prompt: 'A chapel @delay=2000' }
  const controller = new AbortController()
  const hasty = gateway.sdk().images.generate(body, { signal: controller.signal })
  await vi.waitFor(async () => expect(await upstream.callsFor(body.prompt)).toHaveLength(1), { timeout: 60_000 })
  controller.abort()
  await expect(hasty).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
  await vi.waitFor(async () => expect((await upstream.callsFor(body.prompt))[0]?.outcome).toBe('answered'), {
    timeout: 60_000,
  })

  expect(decoded(await gateway.sdk().images.generate(body))).toHaveLength(1)
  expect(await upstream.callsFor(body.prompt)).toHaveLength(1)
})
