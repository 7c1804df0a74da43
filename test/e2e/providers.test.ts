import { type APIPromise, OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { modelOf } from '../support/fake-models.ts'
import { FAKES } from '../support/fakes.ts'
import type { FakeProvider } from '../support/fake-provider.ts'
import { errorOf } from './support/requests.ts'
import { type FakeServers, startFakes } from './support/fake-servers.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { inMicroUsd } from './support/money.ts'
import { usageOf } from './support/operator.ts'
import { decoded, pngFile, sha256 } from './support/pictures.ts'

const fakes = FAKES.map((Fake) => new Fake())
let servers: FakeServers
let gateway: Gateway

beforeAll(async () => {
  servers = await startFakes(fakes)
  gateway = await startGateway(servers.variables)
})
afterAll(async () => {
  await gateway?.stop()
  await servers?.stop()
})

interface Made {
  upstream: string | null
  cache: string | null
  /** SHA-256, hex, of each picture. */
  pictures: string[]
}

async function made(answer: APIPromise<OpenAI.ImagesResponse>): Promise<Made> {
  const { data, response } = await answer.withResponse()
  const [upstream, cache] = ['x-upstream', 'x-cache'].map((name) => response.headers.get(name))
  return { upstream: upstream ?? null, cache: cache ?? null, pictures: decoded(data).map(sha256) }
}

const generated = (fake: FakeProvider, prompt: string): Promise<Made> =>
  made(gateway.sdk().images.generate({ model: modelOf(fake, fakes), prompt }))

test.each(fakes)('a picture is made by $provider, whole and once', async (fake) => {
  const first = await generated(fake, 'A lighthouse')
  expect(first).toEqual({ upstream: fake.provider, cache: 'MISS', pictures: [expect.any(String)] })
  expect([...fake.served]).toEqual(expect.arrayContaining(first.pictures))
  const { submits } = fake
  expect(submits).toBeGreaterThan(0)

  expect(await generated(fake, 'A lighthouse')).toEqual({ ...first, cache: 'HIT' })
  expect(fake.submits).toBe(submits)
})

test.each(fakes.filter(({ edits }) => edits))('a picture of the caller is edited by $provider', async (fake) => {
  const image = await pngFile('boat.png', 'boat', 300_000)
  const edit = await made(gateway.sdk().images.edit({ model: modelOf(fake, fakes), prompt: 'A boat', image }))
  expect(edit).toEqual({ upstream: fake.provider, cache: 'MISS', pictures: [expect.any(String)] })
  expect([...fake.served]).toEqual(expect.arrayContaining(edit.pictures))
})

test.each(fakes)('a prompt that $provider refuses is the fault of the caller', async (fake) => {
  const refusal = await errorOf(generated(fake, 'A lighthouse @fault=moderation'))
  expect(refusal).toBeInstanceOf(OpenAI.BadRequestError)
  expect(refusal).toMatchObject({ code: 'moderation_blocked' })
})

/** The cost of a call without its picture, in USD: a reported charge or a quote. The other models have no price. */
const LOST: Record<string, number | undefined> = {
  'black-forest-labs': 0.03,
  ideogram: 0.06,
  'openai-chat': 0.142848,
  xai: 0.01,
}

test.each(fakes.filter(({ answersUrls }) => answersUrls).map((fake) => ({ fake, provider: fake.provider })))(
  'an expired URL of $provider is not bought again, and is booked at its charge or quote',
  async ({ fake, provider }) => {
    const { totals: before } = await usageOf(gateway, gateway.key)
    const { submits } = fake
    const ask = { model: modelOf(fake, fakes), prompt: 'A lighthouse @fault=gone' }
    const failure = await errorOf(gateway.sdk({ maxRetries: 2 }).images.generate(ask))
    expect(failure).toMatchObject({ status: 502 })
    expect(fake.submits - submits).toBe(fake.submitsEach)
    const cost = LOST[provider]
    await vi.waitFor(async () => {
      const { totals } = await usageOf(gateway, gateway.key)
      expect(totals).toMatchObject({
        images: before.images,
        failures: before.failures + 1,
        unpriced: before.unpriced + (cost === undefined ? 1 : 0),
      })
      expect(inMicroUsd(totals.cost_usd - before.cost_usd)).toBe(inMicroUsd(cost ?? 0))
    })
  },
)
