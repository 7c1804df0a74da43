import { env } from 'cloudflare:workers'
import { configOf } from '../../src/config'
import type { AccountStatus } from '../../src/upstreams/account'
import { askAccount } from '../../src/upstreams/accounts'
import { FakeBlackForestLabs } from './fake-black-forest-labs'
import { FakeFal } from './fake-fal'
import { FakeFireworks } from './fake-fireworks'
import { FakeGrsai } from './fake-grsai'
import { FakeIdeogram } from './fake-ideogram'
import { FakeMidjourneyProxy } from './fake-midjourney-proxy'
import type { FakeProvider, Job } from './fake-provider'
import { FakeRelay } from './fake-relay'
import { FakeReplicate } from './fake-replicate'
import { environment } from './settings'

/** An upstream that makes a picture as a job, polled by the gateway. */
export interface Asynchronous {
  name: string
  fake: FakeProvider
  /** The upstream's own name of the model. */
  theirs: string
  /** The number of jobs for one picture. */
  begun: number
}

/** Every such upstream. */
export const ASYNCHRONOUS: readonly Asynchronous[] = [
  { name: 'black-forest-labs', fake: new FakeBlackForestLabs(), theirs: 'flux-2-pro', begun: 1 },
  { name: 'replicate', fake: new FakeReplicate(), theirs: 'black-forest-labs/flux-2-pro', begun: 1 },
  { name: 'fal', fake: new FakeFal(), theirs: 'fal-ai/flux-2-pro', begun: 1 },
  { name: 'grsai', fake: new FakeGrsai('draw'), theirs: 'nano-banana-pro', begun: 1 },
  { name: 'grsai-api', fake: new FakeGrsai('api'), theirs: 'gpt-image-2', begun: 1 },
  { name: 'fireworks', fake: new FakeFireworks(), theirs: 'flux-kontext-pro', begun: 1 },
  { name: 'ideogram', fake: new FakeIdeogram(), theirs: 'ideogram-4-6', begun: 1 },
  { name: 'relay', fake: new FakeRelay('new-api'), theirs: 'gpt-image-2', begun: 1 },
  // A grid, and one picture cut out of it.
  { name: 'midjourney-proxy', fake: new FakeMidjourneyProxy(), theirs: 'midjourney', begun: 2 },
]

/** The gateway's name for the model of one of them. */
export const modelAt = (name: string): string => `made-by-${name}`

/** The price of each picture in the settings, in USD. */
export const PRICE = 0.03

/** An upstream's entry in UPSTREAMS: an account with one slot, unless given otherwise. */
export const oneAtATime = (
  name: string,
  theirs: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  models: [`${modelAt(name)}=${theirs}`],
  prices: { [modelAt(name)]: { image: PRICE } },
  max_concurrency: 1,
  requests_per_minute: 1000,
  ...more,
})

/** The state of an upstream's account. */
export async function accountStatusAt(name: string): Promise<AccountStatus> {
  const upstream = configOf(environment()).upstreams.find((each) => each.name === name)
  if (!upstream) throw new Error(`There is no upstream ${name}.`)
  return await askAccount(env.ACCOUNTS, upstream, async (account) => await account.status())
}

/** The jobs of an upstream that are not done, in order. */
export const jobsUnderWay = ({ jobs }: FakeProvider): Job[] =>
  [...jobs.values()].filter(({ readyMs }) => readyMs > Date.now())

/** Finishes so many jobs of an upstream. */
export function finish(fake: FakeProvider, count = Infinity): void {
  for (const job of jobsUnderWay(fake).slice(0, count)) job.readyMs = 0
}
