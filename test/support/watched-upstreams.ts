import { afterEach, beforeEach, vi } from 'vitest'
import { FakeOpenai } from './fake-openai'
import { post } from './gateway'
import { internet } from './internet'
import { settings } from './settings'
import { operate } from './teams'
import { deleteObjects } from './objects'

/** An account as the admin API shows it. */
export interface AccountJson {
  account: number
  status: string
  until: string | null
  since: string | null
  reason: string | null
  in_use: number | null
  waiting: number | null
  requests_last_minute: number | null
  latency: { model: string; count: number; p50_ms: number; p95_ms: number }[]
  without_models: { model: string; until: string | null }[]
}

interface UpstreamJson {
  name: string
  accounts: AccountJson[]
}

/** The upstreams of `watchedUpstreams`. */
export interface Watched {
  first: FakeOpenai
  /** One for each of the two accounts of `twin`. */
  twins: readonly [FakeOpenai, FakeOpenai]
  /** Holds every answer from now on until `release` is called; `arrived` resolves with the first request. */
  hold: () => { arrived: () => Promise<void>; release: () => void }
  /** The step of the clock with each request, in ms. */
  take: (ms: number) => void
}

const SOLE = { provider: 'openai', secret: 'FIRST_KEY', base_url: 'https://first.example.com/v1' }
const TWIN = { provider: 'openai', secret: 'TWO_KEYS', base_url: 'https://second.example.com/v1' }
const UPSTREAMS = [
  { ...SOLE, name: 'sole', models: ['relay-1'] },
  { ...TWIN, name: 'twin', models: ['twin=relay-2', 'flux-*'], priority: 2, weight: 3 },
  { ...SOLE, name: 'narrow', models: ['narrow=relay-1'], max_concurrency: 1, requests_per_minute: 60 },
]

/**
 * Plays three upstreams and the demo for the tests of a file. `sole` has one account. `twin` has two and serves `twin`.
 * `narrow` has one slot. The clock stands still.
 */
export function watchedUpstreams(): Watched {
  settings({ UPSTREAMS: JSON.stringify(UPSTREAMS), DEMO_UPSTREAM: true, QUEUE_WAIT_SECONDS: 30 })
  const first = new FakeOpenai({ apiKey: 'sk-first-secret' })
  const twins = [new FakeOpenai({ apiKey: 'sk-second-secret' }), new FakeOpenai({ apiKey: 'sk-third-secret' })] as const
  let [gate, held, tookMs] = [Promise.resolve(), 0, 0]
  const host = (fakeFor: (request: Request) => FakeOpenai): { handle: (request: Request) => Promise<Response> } => ({
    handle: async (request) => {
      held += 1
      await gate
      vi.setSystemTime(Date.now() + tookMs)
      return await fakeFor(request).handle(request)
    },
  })
  const twinOf = ({ headers }: Request): FakeOpenai =>
    twins[headers.get('authorization')?.endsWith('second-secret') ? 0 : 1]
  beforeEach(() => {
    for (const fake of [first, ...twins]) fake.reset()
    ;[gate, held, tookMs] = [Promise.resolve(), 0, 0]
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    internet({ 'first.example.com': host(() => first), 'second.example.com': host(twinOf) })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    await deleteObjects()
  })
  return {
    first,
    twins,
    hold: () => {
      const { promise, resolve: release } = Promise.withResolvers<void>()
      ;[gate, held] = [promise, 0]
      return { arrived: () => so(() => held > 0), release }
    },
    take: (ms) => void (tookMs = ms),
  }
}

/** Resolves when a condition holds, with the clock still, which `vi.waitUntil` would move. */
export async function so(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await scheduler.wait(10)
}

/** Requests a picture of its own; returns the status and the upstream. */
export async function make(prompt: string, model = 'relay-1'): Promise<[number, string | null]> {
  const body = { model, prompt, response_format: 'url' }
  const response = await post('/v1/images/generations', body, { 'cache-control': 'no-store' })
  await response.text()
  return [response.status, response.headers.get('x-upstream')]
}

/** The accounts of an upstream in the list of all. */
export async function accountsOf(upstream: string): Promise<AccountJson[]> {
  const { data } = await (await operate('GET', '/upstreams')).json<{ data: UpstreamJson[] }>()
  return data.find(({ name }) => name === upstream)?.accounts ?? []
}

/** Switches an upstream or one of its accounts off or on. */
export const turn = (enabled: unknown, path: string): Promise<Response> =>
  operate('PATCH', `/upstreams/${path}`, { enabled })

/** A time so many ms from now, in the API's form. */
export const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
