import * as z from 'zod'
import { type Result, failed, ok } from '../failures/errors'
import { log } from '../runtime/log'
import { type TeamLifecycle, WEBHOOK_SECRET } from './lifecycle'
import type { Cursor } from '../ledger/entry'
import { Deliveries, type Delivery, type DeliveryReport, type DeliveryFilter } from './deliveries'
import { DAY_MS } from '../runtime/durations'
import { type ObjectStore, readEntry } from '../runtime/stored'
import { TEAM_NOT_FOUND } from './profile'

/** The receiver of a team's events and the secrets that sign them. */
export interface WebhookState {
  /** The time of the team's creation, in ms since 1970. */
  teamCreatedMs: number
  url: string | undefined
  /** The time when the receiver refused further events (status 410), in ms since 1970. */
  disabledMs: number | undefined
  /** The versions of the secret that sign now, the newest first. */
  versions: number[]
  /** The end of the older version of two, in ms since 1970. */
  previousUntilMs: number | undefined
}

/** A change of a webhook; absent fields stay as they are. */
export interface WebhookChange {
  /** A checked URL, which also ends a refusal by its receiver. Null turns the webhook off. */
  url?: string | null
  /** The version of the secret to replace. A version that is already replaced makes the call a repetition. */
  endedVersion?: number
}

const endpointSchema = z.object({ url: z.string(), disabledMs: z.number().optional() })
type WebhookEndpoint = z.infer<typeof endpointSchema>

/** The version of the secret, from 1, and the time when it replaced the previous one, in ms since 1970. */
const secretVersion = z.object({ version: z.number(), rotatedMs: z.number().optional() })
type SecretVersion = z.infer<typeof secretVersion>

const ENDPOINT_ENTRY = 'webhook'

/** The time for which the previous secret still signs after a rotation. */
const SECRET_OVERLAP_MS = DAY_MS

/** A team's webhook and the deliveries to it. */
export class TeamWebhook {
  readonly #storage: ObjectStore
  readonly #lifecycle: TeamLifecycle
  readonly #deliveries: Deliveries

  constructor(storage: ObjectStore, lifecycle: TeamLifecycle) {
    this.#storage = storage
    this.#lifecycle = lifecycle
    this.#deliveries = new Deliveries(storage.sql)
  }

  createTables(): void {
    this.#deliveries.createTables()
  }

  /** Whether there is a receiver that accepts events. */
  get isOn(): boolean {
    return this.#endpoint !== undefined && this.#endpoint.disabledMs === undefined
  }

  read(): Result<WebhookState> {
    const { profile } = this.#lifecycle
    return profile ? ok(this.#state(profile.createdMs)) : failed(TEAM_NOT_FOUND)
  }

  /** Applies a change and returns the new state. */
  change({ url, endedVersion }: WebhookChange): Result<WebhookState> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    if (url === null) this.#storage.kv.delete(ENDPOINT_ENTRY)
    else if (url !== undefined) this.#storage.kv.put(ENDPOINT_ENTRY, { url } satisfies WebhookEndpoint)
    if (this.#secret.version === endedVersion) this.#putSecret({ version: endedVersion + 1, rotatedMs: Date.now() })
    return this.read()
  }

  /** Records the state of a delivery. Events of an earlier team with this id are ignored. */
  record(report: DeliveryReport): void {
    const { profile } = this.#lifecycle
    if (!profile || report.createdMs < profile.createdMs) return
    this.#deliveries.record(report, Date.now())
    const endpoint = this.#endpoint
    if (!report.gone || endpoint?.url !== report.url || endpoint.disabledMs !== undefined) return
    this.#storage.kv.put(ENDPOINT_ENTRY, { ...endpoint, disabledMs: Date.now() } satisfies WebhookEndpoint)
    log('webhook-disabled', { team: profile.id, delivery: report.id })
  }

  /** Up to `limit` deliveries, the newest first. */
  deliveries(filter: DeliveryFilter, limit: number, after?: Cursor): Result<Delivery[]> {
    return this.#lifecycle.profile ? ok(this.#deliveries.page(filter, limit, after)) : failed(TEAM_NOT_FOUND)
  }

  /** Removes the receiver and starts a new version of the secret, for the next team of this id. */
  removeWithTeam(): void {
    this.#storage.kv.delete(ENDPOINT_ENTRY)
    this.#putSecret({ version: this.#secret.version + 1 })
  }

  #state(teamCreatedMs: number): WebhookState {
    const { version, rotatedMs = -Infinity } = this.#secret
    const untilMs = rotatedMs + SECRET_OVERLAP_MS
    const overlaps = Date.now() < untilMs
    return {
      teamCreatedMs,
      url: this.#endpoint?.url,
      disabledMs: this.#endpoint?.disabledMs,
      versions: overlaps ? [version, version - 1] : [version],
      previousUntilMs: overlaps ? untilMs : undefined,
    }
  }

  get #endpoint(): WebhookEndpoint | undefined {
    return readEntry(this.#storage.kv, ENDPOINT_ENTRY, endpointSchema)
  }

  get #secret(): SecretVersion {
    return readEntry(this.#storage.kv, WEBHOOK_SECRET, secretVersion) ?? { version: 1 }
  }

  #putSecret(secret: SecretVersion): void {
    this.#storage.kv.put(WEBHOOK_SECRET, secret)
  }
}
