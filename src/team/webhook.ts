import { type Result, failed, ok } from '../runtime/errors'
import { log } from '../runtime/log'
import { type TeamLifecycle, WEBHOOK_SECRET } from './lifecycle'
import { Deliveries, type Delivery, type DeliveryCursor, type DeliveryReport, type DeliveryFilter } from './deliveries'
import { DAY_MS } from '../runtime/durations'
import { TEAM_NOT_FOUND } from './profile'

/** Where a team's events are sent, and how they are signed now. */
export interface WebhookState {
  /** Since when there is this team, in ms since 1970. */
  teamCreatedMs: number
  url: string | undefined
  /** Since when its receiver wants no more of them, in ms since 1970. */
  disabledMs: number | undefined
  /** Of the secret: those that sign, the newest first. */
  versions: number[]
  /** Until when the older of two versions signs, in ms since 1970. */
  previousUntilMs: number | undefined
}

/** What is to be changed about a webhook. */
export interface WebhookChange {
  /** Where events are sent from now on, which was checked, also if its receiver wanted none before; null: nowhere. */
  url?: string | null
  /** The version of the secret that ends, but for an overlap; where it has ended already, this was asked for twice. */
  endedVersion?: number
}

interface WebhookEndpoint {
  url: string
  disabledMs?: number
}

/** The version of the secret, from 1, and when it took the place of the one before. */
interface SecretVersion {
  version: number
  rotatedMs?: number
}

const ENDPOINT_ENTRY = 'webhook'

/** For so long receivers may go on with the secret before, in ms. */
const SECRET_OVERLAP_MS = DAY_MS

/** A team's webhook, and what was sent to it. Nothing here awaits. */
export class TeamWebhook {
  readonly #storage: DurableObjectStorage
  readonly #lifecycle: TeamLifecycle
  readonly #deliveries: Deliveries

  constructor(storage: DurableObjectStorage, lifecycle: TeamLifecycle) {
    this.#storage = storage
    this.#lifecycle = lifecycle
    this.#deliveries = new Deliveries(storage.sql)
  }

  create(): void {
    this.#deliveries.create()
  }

  /** Whether events are sent anywhere. */
  get isOn(): boolean {
    return this.#endpoint !== undefined && this.#endpoint.disabledMs === undefined
  }

  /** How it stands. */
  read(): Result<WebhookState> {
    const { profile } = this.#lifecycle
    return profile ? ok(this.#facts(profile.createdMs)) : failed(TEAM_NOT_FOUND)
  }

  /** Changes it, and tells how it stands then. */
  change({ url, endedVersion }: WebhookChange): Result<WebhookState> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    if (url === null) this.#storage.kv.delete(ENDPOINT_ENTRY)
    else if (url !== undefined) this.#storage.kv.put<WebhookEndpoint>(ENDPOINT_ENTRY, { url })
    if (this.#secret.version === endedVersion)
      this.#storage.kv.put<SecretVersion>(WEBHOOK_SECRET, { version: endedVersion + 1, rotatedMs: Date.now() })
    return this.read()
  }

  /** Writes down how the delivery of an event stands; one of an earlier team of this id is none of this one's. */
  record(note: DeliveryReport): void {
    const { profile } = this.#lifecycle
    if (!profile || note.createdMs < profile.createdMs) return
    this.#deliveries.record(note, Date.now())
    const endpoint = this.#endpoint
    if (!note.gone || endpoint?.url !== note.url || endpoint.disabledMs !== undefined) return
    this.#storage.kv.put<WebhookEndpoint>(ENDPOINT_ENTRY, { ...endpoint, disabledMs: Date.now() })
    log('webhook-disabled', { team: profile.id, delivery: note.id })
  }

  /** A page of the deliveries, the newest first. */
  deliveries(sought: DeliveryFilter, limit: number, after?: DeliveryCursor): Result<Delivery[]> {
    return this.#lifecycle.profile ? ok(this.#deliveries.page(sought, limit, after)) : failed(TEAM_NOT_FOUND)
  }

  /** Ends it with its team. */
  removeWithTeam(): void {
    this.#storage.kv.delete(ENDPOINT_ENTRY)
    this.#storage.kv.put<SecretVersion>(WEBHOOK_SECRET, { version: this.#secret.version + 1 })
  }

  #facts(teamCreatedMs: number): WebhookState {
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
    return this.#storage.kv.get<WebhookEndpoint>(ENDPOINT_ENTRY)
  }

  get #secret(): SecretVersion {
    return this.#storage.kv.get<SecretVersion>(WEBHOOK_SECRET) ?? { version: 1 }
  }
}
