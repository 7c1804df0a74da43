import type { Config } from '../config'
import { attemptWebhook, type WebhookAttempt } from '../webhooks/attempt'
import { nextAttemptMs } from '../webhooks/retry-schedule'
import { webhookSecrets } from '../webhooks/signing'
import { describe, log } from '../runtime/log'
import type { DeliveryReport } from '../team/deliveries'
import { askTeam } from '../team/ask-team'
import type { WebhookState } from '../team/webhook'
import { bodyOf, TOLD_LINKS_MS, typeOf } from './notice-body'
import type { Notice } from './snapshot'

/** How the sending of a notice goes; times are ms since 1970. */
interface Event {
  id: string
  team: string
  generation: string
  type: string
  url: string | undefined
  /** When its generation was asked for. */
  askedMs: number
  createdMs: number
  attempts: number
  /** How the last attempt went, and when; undefined before the first. */
  last: { url: string; atMs: number; attempted: WebhookAttempt } | undefined
  /** When it is sent next; undefined where it has arrived, or is given up. */
  nextMs: number | undefined
  /** Until when it can be sent once more. */
  untilMs: number
}

const EVENT = 'event:'
/** The words of each lie apart from it, since they are read only to be sent. */
const BODY = 'body:'

/** As long as what it says can be looked at. */
const KEPT_MS = TOLD_LINKS_MS

/** No attempt takes as long, in ms: one that is not noted by then was not survived by its process. */
const LOST_MS = 30_000

/** What is to be told to webhooks, and is sent until they have it. */
export class Outbox {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  /** The ids of those on their way. */
  readonly #sending = new Set<string>()

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage
    this.#env = env
  }

  /** Takes a notice in, once; it is sent by the next alarm. */
  add(notice: Notice, config: Config, nowMs: number): void {
    const { id, url, task, snapshot } = notice
    const body = this.#event(id) ? undefined : bodyOf(notice, config, nowMs)
    if (body === undefined) return
    const times = { askedMs: snapshot.createdMs, createdMs: nowMs, nextMs: nowMs, untilMs: nowMs + KEPT_MS }
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

  /** Sends everything that is due, each for itself; what is kept no longer is forgotten. Never rejects. */
  send(config: Config): Promise<void>[] {
    const now = Date.now()
    for (const { id, nextMs, untilMs } of this.#events) if (nextMs === undefined && untilMs <= now) this.#remove(id)
    return this.#events
      .filter(({ id, nextMs }) => nextMs !== undefined && nextMs <= now && !this.#sending.has(id))
      .map((event) => this.#send(event, config))
  }

  /** Has an event sent once more, by the next alarm; false where it is no longer kept. */
  async again(id: string, nowMs: number): Promise<boolean> {
    const event = this.#event(id)
    if (!event || event.untilMs <= nowMs) return false
    await this.#note({ ...event, nextMs: nowMs })
    return true
  }

  /** Forgets what a team was told, as far as that has arrived or was given up. */
  forget(team: string): void {
    for (const event of this.#events) if (event.team === team && event.nextMs === undefined) this.#remove(event.id)
  }

  /** When there is something to be done about an event, in ms since 1970. */
  dues(nowMs: number): number[] {
    return this.#events.flatMap(({ id, nextMs, untilMs }) => {
      if (this.#sending.has(id)) return nowMs + LOST_MS
      return nextMs ?? (untilMs > nowMs ? untilMs : [])
    })
  }

  async #send(event: Event, config: Config): Promise<void> {
    const { id, team } = event
    this.#sending.add(id)
    try {
      const facts = await askTeam(this.#env, team, async (stub) => await stub.webhook())
      // What an earlier team of that id has asked for is none of this one's business.
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
    const body = this.#storage.kv.get<string>(BODY + id)
    if (!url || body === undefined) return await this.#note({ ...event, nextMs: undefined })
    const secrets = webhookSecrets(team, facts.versions, config.signingSecret)
    const attempted = await attemptWebhook({ id, url, body }, secrets, config, Date.now())
    await this.#note(after(event, url, attempted, Date.now()), attempted.outcome === 'gone')
  }

  /** Writes down how an event stands, here and, once it was tried, for its team's own eyes. */
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

  #event(id: string): Event | undefined {
    return this.#storage.kv.get<Event>(EVENT + id)
  }

  get #events(): Event[] {
    return [...this.#storage.kv.list<Event>({ prefix: EVENT })].map(([, event]) => event)
  }

  #remove(id: string): void {
    this.#storage.kv.delete(EVENT + id)
    this.#storage.kv.delete(BODY + id)
  }

  #put(event: Event): void {
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
