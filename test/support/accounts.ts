import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { configOf } from '../../src/config'
import type { AccountStatus } from '../../src/upstreams/account'
import { askAccount } from '../../src/upstreams/accounts'
import { FakeOpenai } from './fake-openai'
import { internet } from './internet'
import { settings } from './settings'

const HOST = 'accounts.example.com'

/** A request to one of the accounts, and when it came, in ms since 1970. */
interface Visit {
  key: string
  prompt: string
  atMs: number
}

/**
 * An upstream that tells its accounts apart by their keys, and counts who is with each at the same time. Each answers as the
 * test has it, or else as OpenAI's API does.
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

  /** Has an account answer so from now on; without an answer, as the API does. */
  answering(key: string, answer?: () => Response): void {
    if (answer) this.#answers.set(key, answer)
    else this.#answers.delete(key)
  }

  /** Keeps all answers back. */
  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    this.#open = resolve
  }

  open(): void {
    this.#open()
  }

  /** Notes that all callers have died. */
  callersDied(): void {
    this.#inside.clear()
  }

  /** How often an account was asked. */
  asked(key: string): number {
    return this.visits.filter((visit) => visit.key === key).length
  }

  /** How many were with an account at the same time, at most. */
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

/** Plays these entries of UPSTREAMS, and no others, for the tests of a file: each finds them as new. */
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
    // What is not in memory, as after an abort, would outlive the reset.
    await env.DIRECTORY.getByName('directory').list(1)
    await reset()
  })
  return fake
}

/** How an upstream's account stands. */
export async function standingOf(name: string, account = 0): Promise<AccountStatus> {
  const upstream = configOf(env).upstreams.find((each) => each.name === name && each.account === account)
  if (!upstream) throw new Error(`there is no account ${account} of ${name}`)
  return await askAccount(env.ACCOUNTS, upstream, async (stub) => await stub.status())
}

/** An error answer in OpenAI's envelope. */
export const refusing =
  (status: number, headers: Record<string, string> = {}, code: string | null = null) =>
  (): Response =>
    Response.json({ error: { message: 'No.', type: 'invalid_request_error', param: null, code } }, { status, headers })

/** Does something so many times, so many of them at once; tells what came of each. */
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

/** Has time stand still from now on, as far as clocks tell it and nobody waits with `vi.waitUntil`; gives back a way to move it on. */
export function stillClock(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  return (milliseconds) => void vi.setSystemTime(Date.now() + milliseconds)
}

/** A small picture that differs from others by its prompt. */
export const small = (model: string, prompt: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model,
  prompt: `${prompt} @bytes=100`,
  size: '1024x1024',
  quality: 'low',
  response_format: 'url',
  ...more,
})
