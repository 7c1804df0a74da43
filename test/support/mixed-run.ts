import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import { ringGenerations, ringTeam } from './alarms'
import { BillingUpstream } from './billing-upstream'
import { audit, generate, micro, ownUsage, limitStatus } from './accounting'
import type { FakeOpenai } from './fake-openai'
import { internet } from './internet'
import { HOUR } from './orders'
import type { IssuedKey } from './teams'
import { type Ask, RUNS_OF_SLOW, slow } from './traffic'

/** The fields of an answer to a client. */
export interface Told {
  status: number
  requestId: string
  cache: string | null
  /** Micro-USD. */
  cost: number
}

const PATIENCE_MS = 60_000

/** Requests of the team `acme` by its keys in turn, with their outcomes. */
export class MixedRun {
  readonly told: Told[] = []
  readonly gate: BillingUpstream
  readonly #keys: readonly IssuedKey[]
  sent = 0

  constructor(keys: readonly IssuedKey[], upstream: FakeOpenai) {
    this.#keys = keys
    this.gate = new BillingUpstream(upstream)
    internet({ 'api.openai.com': this.gate })
  }

  send(asks: readonly Ask[]): Promise<void>[] {
    return asks.map(async (ask) => {
      const { key = '' } = this.#keys[this.sent++ % this.#keys.length] ?? {}
      const response = await ask(key).catch(() => undefined)
      if (!response) return
      await response.arrayBuffer()
      const { status, headers } = response
      const cost = micro(Number(headers.get('x-cost-usd')))
      this.told.push({ status, requestId: headers.get('x-request-id') ?? '', cache: headers.get('x-cache'), cost })
    })
  }

  /** The good answers with one of these cache results. */
  answers(...caches: string[]): Told[] {
    return this.told.filter(({ status, cache }) => status === 200 && caches.includes(cache ?? ''))
  }

  /** Waits until every free answer was counted, which follows the answer. */
  async counted(): Promise<void> {
    const free = this.answers('HIT', 'JOINED').length
    await vi.waitUntil(async () => {
      const { hits, joins } = (await ownUsage(this.#keys[0]?.key ?? '')).team_totals
      return hits + joins === free
    }, PATIENCE_MS)
  }

  /** Waits until no run is left, those of dead processes too. */
  async quiet(): Promise<void> {
    await vi.waitUntil(async () => {
      if ((await limitStatus('acme', 'concurrency')).used === 0) return true
      await ringGenerations()
      return false
    }, PATIENCE_MS)
  }

  /** Sends requests that the upstream holds; meanwhile all processes die so many times. */
  async disturbed(round: number, deaths: number): Promise<void> {
    const hangUp = new AbortController()
    this.gate.shut()
    const answers = this.send(slow(round, hangUp.signal))
    await vi.waitUntil(() => this.gate.held >= RUNS_OF_SLOW, PATIENCE_MS)
    hangUp.abort()
    for (let death = 0; death < deaths; death++) {
      await vi.waitUntil(() => this.gate.held >= RUNS_OF_SLOW + death, PATIENCE_MS)
      await abortAllDurableObjects()
    }
    this.gate.open()
    await Promise.all(answers)
    await this.counted()
  }

  /** Sends a request with an answer that stops short of its end; all processes die once its image is stored. */
  async cutShort(round: number): Promise<void> {
    await this.quiet()
    const stored = async (): Promise<number> => (await env.IMAGES.list({ prefix: 'images/' })).objects.length
    const before = await stored()
    const answers = this.send([(key) => generate(key, `A cut cat ${round} @fault=silence-after-image`)])
    await vi.waitUntil(async () => (await stored()) > before, PATIENCE_MS)
    await abortAllDurableObjects()
    await Promise.all(answers)
  }

  /** Sends a request with its settlement after its reservation, and those of dead runs, have expired. */
  async overdue(round: number): Promise<void> {
    this.gate.shut()
    const answers = this.send([(key) => generate(key, `A late cat ${round}`)])
    await vi.waitUntil(() => this.gate.held >= 1, PATIENCE_MS)
    const nowMs = Date.now()
    vi.setSystemTime(nowMs + HOUR)
    await ringTeam('acme')
    vi.setSystemTime(nowMs)
    expect(await audit('acme')).toContainEqual(expect.objectContaining({ status: 'expired' }))
    this.gate.open()
    await Promise.all(answers)
  }
}
