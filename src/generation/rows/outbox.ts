import * as z from 'zod'
import type { Config } from '../../config'
import { attemptWebhook, type WebhookAttempt } from '../../webhooks/attempt'
import { nextAttemptMs } from '../../webhooks/retry-schedule'
import { webhookSecrets } from '../../webhooks/signing'
import { describe, log } from '../../runtime/log'
import { entryOrNone, readEntries } from '../../runtime/stored'
import type { DeliveryReport } from '../../team/deliveries'
import { askTeam } from '../../team/ask-team'
import type { WebhookState } from '../../team/webhook'
import { bodyOf, NOTICE_LINKS_MS, typeOf } from '../notice-body'
import type { Notice } from '../snapshot'

const attempted = z.object({
  outcome: z.enum(['delivered', 'failed', 'gone']),
  status: z.number().exactOptional(),
  error: z.string().exactOptional(),
  retryAfterMs: z.number().exactOptional(),
}) satisfies z.ZodType<WebhookAttempt>

const eventRow = z.object({
  id: z.string(),
  team: z.string(),
  generation: z.string(),
  type: z.string(),
  url: z.string().optional(),
  /** The moment of the request. */
  askedMs: z.number(),
  createdMs: z.number(),
  attempts: z.number(),
  /** The last attempt; undefined before the first. */
  last: z.object({ url: z.string(), atMs: z.number(), attempted }).optional(),
  /** The next attempt; undefined after the delivery or the last attempt. */
  nextMs: z.number().optional(),
  /** The end of its life, before which it can be sent again. */
  untilMs: z.number(),
})
/** The delivery of a notice; times are in ms since 1970. */
type Event = z.infer<typeof eventRow>

const EVENT = 'event:'
/** Bodies have rows of their own, since only an attempt reads them. */
const BODY = 'body:'

/** The life of an event: as long as its links. */
const EVENT_LIFE_MS = NOTICE_LINKS_MS

/** Longer than any attempt, in ms: an attempt without an outcome by then has lost its process. */
const LOST_MS = 30_000

/** The events for webhooks, sent until they arrive. */
export class Outbox {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #events: Map<string, Event>
  /** The ids of events with an attempt in progress. */
  readonly #sending = new Set<string>()

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage
    this.#env = env
    this.#events = readEntries(storage.kv, EVENT, (row) => eventRow.parse(row))
  }

  /** Adds a notice once; the next alarm sends it. */
  add(notice: Notice, config: Config, nowMs: number): void {
    const { id, url, task, snapshot } = notice
    const body = this.#events.has(id) ? undefined : bodyOf(notice, config, nowMs)
    if (body === undefined) return
    const times = { askedMs: snapshot.createdMs, createdMs: nowMs, nextMs: nowMs, untilMs: nowMs + EVENT_LIFE_MS }
    this.#storage.kv.put<string>(BODY + id, body)
    this.#put({
      id,
      team: task.payer.team,
      generation: snapshot.id,
      type: typeOf(snapshot),
      url,
      attempts: 0,
      last: undefined,
      ...times,
    })
  }

  /** Sends each due event, and removes expired ones. Never rejects. */
  send(config: Config): Promise<void>[] {
    const now = Date.now()
    for (const { id, nextMs, untilMs } of this.#all) if (nextMs === undefined && untilMs <= now) this.#remove(id)
    return this.#all
      .filter(({ id, nextMs }) => nextMs !== undefined && nextMs <= now && !this.#sending.has(id))
      .map((event) => this.#send(event, config))
  }

  /** Schedules an event for the next alarm; false for an event that has expired. */
  async again(id: string, nowMs: number): Promise<boolean> {
    const event = this.#events.get(id)
    if (!event || event.untilMs <= nowMs) return false
    await this.#note({ ...event, nextMs: nowMs })
    return true
  }

  /** Removes a team's events that have arrived or failed for good. */
  forget(team: string): void {
    for (const event of this.#all) if (event.team === team && event.nextMs === undefined) this.#remove(event.id)
  }

  /** The due times of the events, in ms since 1970. */
  dues(nowMs: number): number[] {
    return this.#all.flatMap(({ id, nextMs, untilMs }) => {
      if (this.#sending.has(id)) return nowMs + LOST_MS
      return nextMs ?? (untilMs > nowMs ? untilMs : [])
    })
  }

  async #send(event: Event, config: Config): Promise<void> {
    const { id, team } = event
    this.#sending.add(id)
    try {
      const facts = await askTeam(this.#env, team, async (stub) => await stub.webhook())
      // A deleted team of the same id asked for this event.
      if (!facts.ok || event.askedMs < facts.value.teamCreatedMs) this.#remove(id)
      else await this.#attempt(event, facts.value, config)
    } catch (error) {
      log('webhook-delayed', { delivery: id, team, ...describe(error) })
      this.#put({ ...event, nextMs: nextAttemptMs(1, Date.now(), Math.random()) })
    } finally {
      this.#sending.delete(id)
    }
  }

  async #attempt(event: Event, facts: WebhookState, config: Config): Promise<void> {
    const { id, team, url = urlOf(facts) } = event
    const body = entryOrNone(this.#storage.kv, BODY + id, z.string())
    if (!url || body === undefined) return await this.#note({ ...event, nextMs: undefined })
    const secrets = webhookSecrets(team, facts.versions, config.signingSecret)
    const attempted = await attemptWebhook({ id, url, body }, secrets, config, Date.now())
    await this.#note(after(event, url, attempted, Date.now()), attempted.outcome === 'gone')
  }

  /** Stores an event, and reports each attempt to its team. */
  async #note(event: Event, gone = false): Promise<void> {
    this.#put(event)
    const { id, team, last } = event
    if (!last) return
    try {
      await askTeam(this.#env, team, async (stub) => await stub.recordDelivery({ ...noteOf(event, last), gone }))
    } catch (error) {
      log('delivery-not-noted', { delivery: id, team, ...describe(error) })
    }
  }

  get #all(): Event[] {
    return [...this.#events.values()]
  }

  #remove(id: string): void {
    this.#events.delete(id)
    this.#storage.kv.delete(EVENT + id)
    this.#storage.kv.delete(BODY + id)
  }

  #put(event: Event): void {
    this.#events.set(event.id, event)
    this.#storage.kv.put<Event>(EVENT + event.id, event)
  }
}

const urlOf = ({ url, disabledMs }: WebhookState): string | undefined => (disabledMs === undefined ? url : undefined)

function after(event: Event, url: string, attempted: WebhookAttempt, nowMs: number): Event {
  const attempts = event.attempts + 1
  const isOver = attempted.outcome !== 'failed'
  const nextMs = isOver ? undefined : nextAttemptMs(attempts, nowMs, Math.random(), attempted.retryAfterMs)
  return { ...event, attempts, last: { url, atMs: nowMs, attempted }, nextMs }
}

function noteOf(event: Event, { url, atMs, attempted }: NonNullable<Event['last']>): DeliveryReport {
  const { id, generation, type, attempts, createdMs, nextMs } = event
  const { outcome, status, error } = attempted
  const stands = outcome === 'delivered' ? outcome : 'failed'
  return {
    id,
    generation,
    type,
    url,
    attempts,
    createdMs,
    nextMs,
    status: nextMs === undefined ? stands : 'pending',
    lastStatus: status,
    lastError: error,
    lastMs: atMs,
  }
}
