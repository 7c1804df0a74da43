import { DurableObject } from 'cloudflare:workers'
import { type Result, failed, ok } from '../runtime/errors'
import { removeImages } from '../store/images'
import type { Admission } from '../limits/admission'
import { Accounting } from './accounting'
import { TeamLifecycle } from './lifecycle'
import { type Claim, Claims } from './claims'
import { INCORRECT_API_KEY } from '../credentials/caller'
import { Reservations } from './reservations'
import type { Cursor, Entry, KnownGeneration, Order, Settlement, EntryFilter, QueuedOrder } from '../ledger/entry'
import type { Delivery, DeliveryCursor, DeliveryReport, DeliveryFilter } from './deliveries'
import { isActiveKey, type Key, type KeyFields, Keys, STATIC_KEY } from './keys'
import type { Limits } from '../limits/limits'
import { dayOf } from '../limits/meter'
import { LeasePolicy } from './lease-policy'
import { TEAM_BEING_DELETED, KEY_NOT_FOUND, TEAM_NOT_FOUND, type Profile } from './profile'
import type { LimitStatus } from '../limits/limit-status'
import { listDefaultTeam } from './ask-directory'
import { Turns } from './turns'
import { Upkeep } from './upkeep'
import type { FreeAnswers, ReportPeriod, KeyUsage } from '../ledger/usage'
import { TeamWebhook, type WebhookChange, type WebhookState } from './webhook'

/** One team: the truth about its keys, its limits and its money. */
export class Team extends DurableObject<Env> {
  readonly #lifecycle = new TeamLifecycle(this.ctx.storage)
  readonly #accounting = new Accounting(this.ctx.storage)
  readonly #keys = new Keys(this.ctx.storage.sql)
  readonly #claims = new Claims(this.ctx.storage.sql)
  readonly #webhook = new TeamWebhook(this.ctx.storage, this.#lifecycle)
  readonly #leases = new LeasePolicy()
  readonly #reservations = new Reservations(this.env, this.#lifecycle, this.#keys, this.#accounting)
  readonly #turns = new Turns(this.ctx.storage.sql, this.#reservations, {
    turn: ({ generation, id }, refusal) => this.env.GENERATIONS.getByName(generation).turn(id, refusal),
    release: ({ id }) =>
      this.settle({ id, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined }),
  })
  readonly #upkeep = new Upkeep(this.ctx.storage, this.env, {
    lifecycle: this.#lifecycle,
    ledger: this.#accounting.ledger,
    turns: this.#turns,
  })

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // A stored team may be without some of the tables.
    if (this.#lifecycle.profile) this.#createTables()
  }

  /** Begins a team, or tells what it is where there is one already. */
  create(profile: Profile): Result<Profile> {
    if (this.#lifecycle.profile) return ok(this.#lifecycle.profile)
    if (this.#lifecycle.isPurging) return failed(TEAM_BEING_DELETED)
    this.#createTables()
    this.#lifecycle.profile = profile
    return ok(profile)
  }

  /** The team as it is, with how its limits stand and those of one of its keys. */
  read(keyId = STATIC_KEY.id): Result<{ profile: Profile; limits: Limits; limitStatuses: LimitStatus[] }> {
    const { profile } = this.#lifecycle
    if (!profile) return failed(TEAM_NOT_FOUND)
    const holder = this.#reservations.keyById(keyId)
    return ok({ profile, limits: holder.teamLimits, limitStatuses: this.#accounting.limitStatuses(holder, Date.now()) })
  }

  async change(change: Partial<Pick<Profile, 'name' | 'plan' | 'limits'>>): Promise<Result<Profile>> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    this.#lifecycle.profile = { ...this.#lifecycle.profile, ...change }
    await this.#advance()
    return ok(this.#lifecycle.profile)
  }

  /** Ends a team: from now on its keys open nothing, and the alarm removes its pictures and its books. */
  async delete(): Promise<Result<undefined>> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    this.#lifecycle.markDeleted()
    this.#webhook.removeWithTeam()
    // Those that wait are refused, since none of its keys opens anything now.
    this.#turns.advance()
    await this.#callOut()
    await this.ctx.storage.setAlarm(Date.now())
    return ok(undefined)
  }

  keys(): Result<Key[]> {
    return this.#lifecycle.profile ? ok(this.#keys.all()) : failed(TEAM_NOT_FOUND)
  }

  /** Adds a key by the SHA-256 of its text, hex. */
  addKey(id: string, hash: string, facts: KeyFields): Result<Key> {
    return this.#lifecycle.profile ? ok(this.#keys.add(id, hash, facts, Date.now())) : failed(TEAM_NOT_FOUND)
  }

  /** Changes what can be said of a key. */
  async changeKey(id: string, change: Partial<KeyFields>): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.change(id, change))
  }

  /** Has a key open nothing from now on. */
  async revokeKey(id: string): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.revoke(id, Date.now()))
  }

  /** The key behind a hash, or, without one, the settings' static key. */
  async authenticate(hash: string | undefined): Promise<Result<Key>> {
    if (hash === undefined) await this.#ensureDefaultTeam()
    if (!this.#lifecycle.profile) return failed(INCORRECT_API_KEY)
    const key = hash === undefined ? STATIC_KEY : this.#keys.byHash(hash)
    return key && isActiveKey(key, Date.now()) ? ok(key) : failed(INCORRECT_API_KEY)
  }

  /** Lets a request in, as far as its key and the limits of time go. */
  async admit(hash: string | undefined): Promise<Result<Admission>> {
    const bearer = await this.authenticate(hash)
    if (!bearer.ok || !this.#lifecycle.profile) return bearer.ok ? failed(INCORRECT_API_KEY) : bearer
    const [key, now] = [bearer.value, Date.now()]
    const payer = { team: this.#lifecycle.profile.id, key: key.id }
    const holder = this.#reservations.withLimits(key)
    const limits = [key.limits, holder.teamLimits]
    const admitted = this.#accounting.admit(holder, (statuses) => this.#leases.grant(key, statuses, now), now)
    return ok({ payer, incarnation: this.#lifecycle.incarnation, limits, ...admitted })
  }

  /** Takes back what is left of a lease, and counts the answers that cost nothing. */
  returnLease(keyId: string, unused: { requests: number; leasedMs: number }, answers: readonly FreeAnswers[]): void {
    const [now, holder] = [Date.now(), this.#reservations.keyById(keyId)]
    if (!this.#lifecycle.profile || holder.key.id !== keyId) return
    if (unused.requests > 0) this.#accounting.returnLease(holder, unused.requests, unused.leasedMs, now)
    this.#accounting.usage.count(dayOf(now), keyId, answers)
  }

  /** Holds the money for a generation, if its key is still good and the limits allow it; or has it wait, if it may. */
  async reserve(order: Order, mayWait: boolean): Promise<Result<QueuedOrder | undefined>> {
    if (order.key === STATIC_KEY.id) await this.#ensureDefaultTeam()
    if (!this.#lifecycle.profile) return failed(INCORRECT_API_KEY)
    const taken = this.#turns.reserveOrQueue(order, mayWait)
    await this.#callOut()
    return taken
  }

  /** Takes a generation out of the queue; false where its turn has come, or it never waited. */
  async withdraw(run: string): Promise<boolean> {
    if (!this.#lifecycle.profile) return true
    const isWaiting = this.#turns.leave(run)
    await this.#callOut()
    return isWaiting
  }

  /** What an Idempotency-Key stands for; it may be asked twice. */
  claim(key: string, fingerprint: string, first: Omit<Claim, 'isReplay'>): Result<Claim> {
    return this.#lifecycle.profile ? this.#claims.claim(key, fingerprint, first, Date.now()) : failed(TEAM_NOT_FOUND)
  }

  /**
   * Writes down what a generation came to, and tells whether its webhook is to hear of that; where it or its team was
   * deleted meanwhile, its pictures go as well.
   */
  async settle(settlement: Settlement): Promise<{ webhook: boolean }> {
    const now = Date.now()
    const isKept =
      this.#lifecycle.profile && this.#accounting.settle(settlement, (key) => this.#reservations.keyById(key), now)
    await this.#advance()
    if (!isKept) await removeImages(this.env.IMAGES, settlement.images)
    return { webhook: isKept === true && this.#webhook.isOn }
  }

  usage(period: ReportPeriod): Result<KeyUsage> {
    return this.#lifecycle.profile ? ok(this.#accounting.usage.of(period)) : failed(TEAM_NOT_FOUND)
  }

  /** A page of its generations, the newest first. */
  page(sought: EntryFilter, limit: number, after?: Cursor): Result<Entry[]> {
    return this.#lifecycle.profile ? ok(this.#accounting.ledger.page(sought, limit, after)) : failed(TEAM_NOT_FOUND)
  }

  /** What is known of a generation that may not have ended: its newest run, how many wait before it, how long others took. */
  find(generation: string, model?: string): Result<KnownGeneration> {
    const { profile } = this.#lifecycle
    if (!profile) return failed(TEAM_NOT_FOUND)
    const ordersBefore = this.#turns.ordersBefore(generation)
    return ok({ ...this.#accounting.ledger.find(generation, model), ordersBefore, teamCreatedMs: profile.createdMs })
  }

  /** Notes that pictures of a run were deleted. */
  discard(run: string, pictures: readonly string[]): void {
    if (this.#lifecycle.profile) this.#accounting.ledger.discard(run, pictures, Date.now())
  }

  /** Where its events go and how they are signed. */
  webhook(): Result<WebhookState> {
    return this.#webhook.read()
  }

  /** Changes that, and tells how it is then. */
  changeWebhook(change: WebhookChange): Result<WebhookState> {
    return this.#webhook.change(change)
  }

  /** Writes down how the delivery of an event stands. */
  recordDelivery(note: DeliveryReport): void {
    this.#webhook.record(note)
  }

  /** A page of its deliveries, the newest first. */
  deliveries(sought: DeliveryFilter, limit: number, after?: DeliveryCursor): Result<Delivery[]> {
    return this.#webhook.deliveries(sought, limit, after)
  }

  /** Ends what nobody settled, and removes what is kept no longer. */
  override async alarm(): Promise<void> {
    const now = Date.now()
    if (!this.#lifecycle.profile) return await this.#upkeep.purgeDeletedTeam(now)
    this.#accounting.expire((key) => this.#reservations.keyById(key), now)
    await this.#advance()
    await this.#upkeep.removeOldImages(now)
  }

  #createTables(): void {
    for (const part of [this.#accounting, this.#keys, this.#turns, this.#claims, this.#webhook]) part.create()
  }

  /** Changes a key, which may make room for those that wait. */
  async #changed(change: () => Key | undefined): Promise<Result<Key>> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    const key = change()
    await this.#advance()
    return key ? ok(key) : failed(KEY_NOT_FOUND)
  }

  /** Lets those run that there is room for now. */
  async #advance(): Promise<void> {
    if (!this.#lifecycle.profile) return
    this.#turns.advance()
    await this.#callOut()
  }

  /** Whoever is called is not waited for: it may be asking for something itself. */
  async #callOut(): Promise<void> {
    this.ctx.waitUntil(this.#turns.notifyCalled())
    await this.#upkeep.rearm(Date.now())
  }

  /** The bearer of the static key finds a team without anybody having made one; but one that was deleted stays so. */
  async #ensureDefaultTeam(): Promise<void> {
    if (this.#lifecycle.profile || this.#lifecycle.incarnation > 0) return
    this.create(await listDefaultTeam(this.env, Date.now()))
  }
}
