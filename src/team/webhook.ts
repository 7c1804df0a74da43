import { type Result, failed, ok } from '../runtime/errors'
import { log } from '../runtime/log'
import { type TeamLifecycle, SECRET } from './lifecycle'
import { Deliveries, type Delivery, type DeliveryCursor, type DeliveryNote, type SoughtDeliveries } from './deliveries'
import { DAY_MS } from '../limits/meter'
import { NO_TEAM } from './profile'

/** Where a team's events are sent, and how they are signed now. */
export interface WebhookFacts {
  /** Since when there is this team, in ms since 1970. */
  foundedMs: number
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

interface Endpoint {
  url: string
  disabledMs?: number
}

/** The version of the secret, from 1, and when it took the place of the one before. */
interface Secret {
  version: number
  rotatedMs?: number
}

const ENDPOINT = 'webhook'

/** For so long receivers may go on with the secret before, in ms. */
const OVERLAP_MS = DAY_MS

/** A team's webhook, and what was sent to it. Nothing here awaits. */
export class Webhook {
  readonly #storage: DurableObjectStorage
  readonly #charter: TeamLifecycle
  readonly #deliveries: Deliveries

  constructor(storage: DurableObjectStorage, charter: TeamLifecycle) {
    this.#storage = storage
    this.#charter = charter
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
  read(): Result<WebhookFacts> {
    const { profile } = this.#charter
    return profile ? ok(this.#facts(profile.createdMs)) : failed(NO_TEAM)
  }

  /** Changes it, and tells how it stands then. */
  change({ url, endedVersion }: WebhookChange): Result<WebhookFacts> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    if (url === null) this.#storage.kv.delete(ENDPOINT)
    else if (url !== undefined) this.#storage.kv.put<Endpoint>(ENDPOINT, { url })
    if (this.#secret.version === endedVersion)
      this.#storage.kv.put<Secret>(SECRET, { version: endedVersion + 1, rotatedMs: Date.now() })
    return this.read()
  }

  /** Writes down how the delivery of an event stands; one of an earlier team of this id is none of this one's. */
  note(note: DeliveryNote): void {
    const { profile } = this.#charter
    if (!profile || note.createdMs < profile.createdMs) return
    this.#deliveries.note(note, Date.now())
    const endpoint = this.#endpoint
    if (!note.gone || endpoint?.url !== note.url || endpoint.disabledMs !== undefined) return
    this.#storage.kv.put<Endpoint>(ENDPOINT, { ...endpoint, disabledMs: Date.now() })
    log('webhook-disabled', { team: profile.id, delivery: note.id })
  }

  /** A page of the deliveries, the newest first. */
  deliveries(sought: SoughtDeliveries, limit: number, after?: DeliveryCursor): Result<Delivery[]> {
    return this.#charter.profile ? ok(this.#deliveries.page(sought, limit, after)) : failed(NO_TEAM)
  }

  /** Ends it with its team. */
  end(): void {
    this.#storage.kv.delete(ENDPOINT)
    this.#storage.kv.put<Secret>(SECRET, { version: this.#secret.version + 1 })
  }

  #facts(foundedMs: number): WebhookFacts {
    const { version, rotatedMs = -Infinity } = this.#secret
    const untilMs = rotatedMs + OVERLAP_MS
    const overlaps = Date.now() < untilMs
    return {
      foundedMs,
      url: this.#endpoint?.url,
      disabledMs: this.#endpoint?.disabledMs,
      versions: overlaps ? [version, version - 1] : [version],
      previousUntilMs: overlaps ? untilMs : undefined,
    }
  }

  get #endpoint(): Endpoint | undefined {
    return this.#storage.kv.get<Endpoint>(ENDPOINT)
  }

  get #secret(): Secret {
    return this.#storage.kv.get<Secret>(SECRET) ?? { version: 1 }
  }
}
