import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { OpenAI } from 'openai'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs.ts'
import { FakeFal } from '../support/fake-fal.ts'
import { FakeGrsai } from '../support/fake-grsai.ts'
import { FakeMidjourneyProxy } from '../support/fake-midjourney-proxy.ts'
import { modelOf } from '../support/fake-models.ts'
import type { FakeProvider } from '../support/fake-provider.ts'
import { FakeReplicate } from '../support/fake-replicate.ts'
import { type FakeServers, startFakes } from './support/fake-servers.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { decoded, sha256 } from './support/pictures.ts'

const midjourney = new FakeMidjourneyProxy()
const fakes: FakeProvider[] = [
  new FakeFal(),
  new FakeReplicate(),
  new FakeBlackForestLabs(),
  new FakeGrsai(),
  midjourney,
]

/** The job lasts until the test ends it. */
const bodyFor = (fake: FakeProvider): { model: string; prompt: string } => ({
  model: modelOf(fake, fakes),
  prompt: 'A fountain @delay=600000',
})

let servers: FakeServers
let gateway: Gateway

/** One crash for all: each upstream has a job at the kill and has finished it at the next start. */
beforeAll(async () => {
  servers = await startFakes(fakes)
  gateway = await startGateway(servers.variables)
  const { kill, storage } = gateway
  const pending = fakes.map((fake) =>
    expect(gateway.sdk().images.generate(bodyFor(fake))).rejects.toBeInstanceOf(OpenAI.APIConnectionError),
  )
  const isUnderWay = ({ sent }: FakeProvider): boolean => sent.length >= 2
  await vi.waitUntil(() => fakes.every(isUnderWay), { timeout: 60_000 })
  await kill()
  await Promise.all(pending)
  for (const { jobs } of fakes) for (const job of jobs.values()) job.readyMs = 0
  gateway = await startGateway(servers.variables, storage)
})
afterAll(async () => {
  await gateway?.stop()
  await servers?.stop()
})

test.each(fakes)('a job of $provider survives a crash of the gateway and is not begun again', async (fake) => {
  const answer = await gateway.sdk().images.generate(bodyFor(fake))
  const [picture] = decoded(answer).map(sha256)
  expect(answer.data).toHaveLength(1)
  expect([...fake.served]).toContain(picture)
  // Midjourney makes a grid and one picture of it.
  expect([fake.jobs.size, fake.submits]).toEqual([1, fake === midjourney ? 2 : 1])
})
