import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { configOf } from '../../src/config'
import type { AccountStatus } from '../../src/upstreams/account'
import { askAccount } from '../../src/upstreams/accounts'
import { FakeOpenai } from './fake-openai'
import { internet } from './internet'
import { environment, settings } from './settings'
import { deleteObjects } from './objects'

const HOST = 'accounts.example.com'

/** A request to one of the accounts and its time, in ms since 1970. */
interface Visit {
  key: string
  prompt: string
  atMs: number
}

/**
 * An upstream with several accounts, known by their keys. It counts the requests in flight of each. An account answers
 * as a test sets it, or otherwise as OpenAI's API does.
 */
export class FakeAccounts {
  readonly visits: Visit[] = []
  readonly #answers = new Map<string, () => Response>()
  readonly #fakes = new Map<string, FakeOpenai>()
  readonly #inside = new Map<string, Set<symbol>>()
  readonly #most = new Map<string, number>()
  #gate = Promise.resolve()
  #open = (): void => {}

  reset(): void {
    this.visits.length = 0
    this.#answers.clear()
    this.#fakes.clear()
    this.#inside.clear()
    this.#most.clear()
    this.open()
  }

  /** Sets the answer of an account from now on; without one, the API's own. */
  answering(key: string, answer?: () => Response): void {
    if (answer) this.#answers.set(key, answer)
    else this.#answers.delete(key)
  }

  /** Holds all answers until `open`. */
  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    this.#open = resolve
  }

  open(): void {
    this.#open()
  }

  /** Forgets the requests in flight after the death of all callers. */
  callersDied(): void {
    this.#inside.clear()
  }

  /** The number of requests to an account. */
  asked(key: string): number {
    return this.visits.filter((visit) => visit.key === key).length
  }

  /** The largest number of an account's requests in flight at once. */
  most(key: string): number {
    return this.#most.get(key) ?? 0
  }

  async handle(request: Request): Promise<Response> {
    const [, key = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    const leave = this.#enter(key)
    request.signal.addEventListener('abort', leave)
    const { prompt } = await request.clone().json<{ prompt: string }>()
    this.visits.push({ key, prompt, atMs: Date.now() })
    await this.#gate
    const response = this.#answers.get(key)?.() ?? (await this.#fake(key).handle(request))
    const toTheEnd = new TransformStream<Uint8Array, Uint8Array>({ flush: leave })
    return new Response(response.body?.pipeThrough(toTheEnd), response)
  }

  #fake(key: string): FakeOpenai {
    const fake = this.#fakes.get(key) ?? new FakeOpenai({ apiKey: key })
    this.#fakes.set(key, fake)
    return fake
  }

  #enter(key: string): () => void {
    const call = Symbol('call')
    const inside = this.#inside.get(key) ?? new Set()
    this.#inside.set(key, inside.add(call))
    this.#most.set(key, Math.max(this.most(key), inside.size))
    return () => void inside.delete(call)
  }
}

/** Plays these entries of UPSTREAMS, and no others, for the tests of a file; each test finds them as new. */
export function accounts(entries: Record<string, unknown>[], more: Record<string, unknown>): FakeAccounts {
  const fake = new FakeAccounts()
  const all = entries.map((entry) => ({ provider: 'openai', base_url: `https://${HOST}/v1`, ...entry }))
  settings({ UPSTREAMS: JSON.stringify(all), DEMO_UPSTREAM: false, ...more })
  beforeEach(() => {
    fake.reset()
    internet({ [HOST]: fake })
  })
  afterEach(async () => {
    fake.open()
    vi.restoreAllMocks()
    vi.useRealTimers()
    await deleteObjects()
  })
  return fake
}

/** The status of an upstream's account. */
export async function standingOf(name: string, account = 0): Promise<AccountStatus> {
  const upstream = configOf(environment()).upstreams.find((each) => each.name === name && each.account === account)
  if (!upstream) throw new Error(`there is no account ${account} of ${name}`)
  return await askAccount(env.ACCOUNTS, upstream, async (stub) => await stub.status())
}

/** An error answer in OpenAI's envelope. */
export const refusing =
  (status: number, headers: Record<string, string> = {}, code: string | null = null) =>
  (): Response =>
    Response.json({ error: { message: 'No.', type: 'invalid_request_error', param: null, code } }, { status, headers })

/** Calls a function so many times, with so many calls at once; returns the outcomes. */
export async function times<T>(count: number, atOnce: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

/** Stops the clock, as long as no test waits with `vi.waitUntil`; returns a function that moves it on. */
export function stillClock(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  return (milliseconds) => void vi.setSystemTime(Date.now() + milliseconds)
}

/** A small picture of its own for each prompt. */
export const small = (model: string, prompt: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model,
  prompt: `${prompt} @bytes=100`,
  size: '1024x1024',
  quality: 'low',
  response_format: 'url',
  ...more,
})
