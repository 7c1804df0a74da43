import { DurableObject } from 'cloudflare:workers'
import { type Result, failed, ok } from '../runtime/errors'
import * as images from '../store/images'
import type { Admission } from '../limits/admission'
import { Accounting } from './accounting'
import { TeamLifecycle } from './lifecycle'
import { type Claim, Claims } from './claims'
import { WRONG_KEY } from '../credentials/caller'
import { Reservations } from './reservations'
import type { Cursor, Entry, Found, Order, Settlement, Sought, Waiting } from '../ledger/entry'
import type { Delivery, DeliveryCursor, DeliveryNote, SoughtDeliveries } from './deliveries'
import { isGood, type Key, type KeyFacts, Keys, STATIC_KEY } from './keys'
import type { Limits } from '../limits/limits'
import { dayOf } from '../limits/meter'
import { Pace } from './pace'
import { CLOSING, NO_KEY, NO_TEAM, type Profile } from './profile'
import type { LimitStatus } from '../limits/limit-status'
import { listedGatewayTeam } from './listing'
import { Turns } from './turns'
import { Upkeep } from './upkeep'
import type { FreeAnswers, Period, Used } from '../ledger/usage'
import { Webhook, type WebhookChange, type WebhookFacts } from './webhook'

/** One team: the truth about its keys, its limits and its money. */
export class Team extends DurableObject<Env> {
  readonly #charter = new TeamLifecycle(this.ctx.storage)
  readonly #books = new Accounting(this.ctx.storage)
  readonly #keys = new Keys(this.ctx.storage.sql)
  readonly #claims = new Claims(this.ctx.storage.sql)
  readonly #webhook = new Webhook(this.ctx.storage, this.#charter)
  readonly #pace = new Pace()
  readonly #reservations = new Reservations(this.env, this.#charter, this.#keys, this.#books)
  readonly #turns = new Turns(this.ctx.storage.sql, this.#reservations, {
    turn: ({ generation, id }, refusal) => this.env.GENERATIONS.getByName(generation).turn(id, refusal),
    release: ({ id }) =>
      this.settle({ id, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined }),
  })
  readonly #upkeep = new Upkeep(this.ctx.storage, this.env, {
    charter: this.#charter,
    ledger: this.#books.ledger,
    turns: this.#turns,
  })

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // A stored team may be without some of the tables.
    if (this.#charter.profile) this.#create()
  }

  /** Begins a team, or tells what it is where there is one already. */
  found(profile: Profile): Result<Profile> {
    if (this.#charter.profile) return ok(this.#charter.profile)
    if (this.#charter.isEmptying) return failed(CLOSING)
    this.#create()
    this.#charter.profile = profile
    return ok(profile)
  }

  /** The team as it is, with how its limits stand and those of one of its keys. */
  read(keyId = STATIC_KEY.id): Result<{ profile: Profile; limits: Limits; standings: LimitStatus[] }> {
    const { profile } = this.#charter
    if (!profile) return failed(NO_TEAM)
    const holder = this.#reservations.holderOf(keyId)
    return ok({ profile, limits: holder.teamLimits, standings: this.#books.standings(holder, Date.now()) })
  }

  async change(change: Partial<Pick<Profile, 'name' | 'plan' | 'limits'>>): Promise<Result<Profile>> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    this.#charter.profile = { ...this.#charter.profile, ...change }
    await this.#advance()
    return ok(this.#charter.profile)
  }

  /** Ends a team: from now on its keys open nothing, and the alarm removes its pictures and its books. */
  async close(): Promise<Result<undefined>> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    this.#charter.end()
    this.#webhook.end()
    // Those that wait are refused, since none of its keys opens anything now.
    this.#turns.advance()
    await this.#callOut()
    await this.ctx.storage.setAlarm(Date.now())
    return ok(undefined)
  }

  keys(): Result<Key[]> {
    return this.#charter.profile ? ok(this.#keys.all()) : failed(NO_TEAM)
  }

  /** Adds a key by the SHA-256 of its text, hex. */
  addKey(id: string, hash: string, facts: KeyFacts): Result<Key> {
    return this.#charter.profile ? ok(this.#keys.add(id, hash, facts, Date.now())) : failed(NO_TEAM)
  }

  /** Changes what can be said of a key. */
  async changeKey(id: string, change: Partial<KeyFacts>): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.change(id, change))
  }

  /** Has a key open nothing from now on. */
  async revokeKey(id: string): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.revoke(id, Date.now()))
  }

  /** The key behind a hash, or, without one, the settings' static key. */
  async bearer(hash: string | undefined): Promise<Result<Key>> {
    if (hash === undefined) await this.#beThere()
    if (!this.#charter.profile) return failed(WRONG_KEY)
    const key = hash === undefined ? STATIC_KEY : this.#keys.byHash(hash)
    return key && isGood(key, Date.now()) ? ok(key) : failed(WRONG_KEY)
  }

  /** Lets a request in, as far as its key and the limits of time go. */
  async admit(hash: string | undefined): Promise<Result<Admission>> {
    const bearer = await this.bearer(hash)
    if (!bearer.ok || !this.#charter.profile) return bearer.ok ? failed(WRONG_KEY) : bearer
    const [key, now] = [bearer.value, Date.now()]
    const payer = { team: this.#charter.profile.id, key: key.id }
    const holder = this.#reservations.holder(key)
    const limits = [key.limits, holder.teamLimits]
    const admitted = this.#books.admit(holder, (standings) => this.#pace.lease(key, standings, now), now)
    return ok({ payer, era: this.#charter.era, limits, ...admitted })
  }

  /** Takes back what is left of a lease, and counts the answers that cost nothing. */
  count(keyId: string, unused: { requests: number; leasedMs: number }, answers: readonly FreeAnswers[]): void {
    const [now, holder] = [Date.now(), this.#reservations.holderOf(keyId)]
    if (!this.#charter.profile || holder.key.id !== keyId) return
    if (unused.requests > 0) this.#books.giveBack(holder, unused.requests, unused.leasedMs, now)
    this.#books.usage.count(dayOf(now), keyId, answers)
  }

  /** Holds the money for a generation, if its key is still good and the limits allow it; or has it wait, if it may. */
  async reserve(order: Order, mayWait: boolean): Promise<Result<Waiting | undefined>> {
    if (order.key === STATIC_KEY.id) await this.#beThere()
    if (!this.#charter.profile) return failed(WRONG_KEY)
    const taken = this.#turns.take(order, mayWait)
    await this.#callOut()
    return taken
  }

  /** Takes a generation out of the queue; false where its turn has come, or it never waited. */
  async withdraw(run: string): Promise<boolean> {
    if (!this.#charter.profile) return true
    const isWaiting = this.#turns.leave(run)
    await this.#callOut()
    return isWaiting
  }

  /** What an Idempotency-Key stands for; it may be asked twice. */
  claim(key: string, fingerprint: string, first: Omit<Claim, 'isReplay'>): Result<Claim> {
    return this.#charter.profile ? this.#claims.claim(key, fingerprint, first, Date.now()) : failed(NO_TEAM)
  }

  /**
   * Writes down what a generation came to, and tells whether its webhook is to hear of that; where it or its team was
   * deleted meanwhile, its pictures go as well.
   */
  async settle(settlement: Settlement): Promise<{ webhook: boolean }> {
    const now = Date.now()
    const isKept =
      this.#charter.profile && this.#books.settle(settlement, (key) => this.#reservations.holderOf(key), now)
    await this.#advance()
    if (!isKept) await images.remove(this.env.IMAGES, settlement.images)
    return { webhook: isKept === true && this.#webhook.isOn }
  }

  usage(period: Period): Result<Used> {
    return this.#charter.profile ? ok(this.#books.usage.of(period)) : failed(NO_TEAM)
  }

  /** A page of its generations, the newest first. */
  page(sought: Sought, limit: number, after?: Cursor): Result<Entry[]> {
    return this.#charter.profile ? ok(this.#books.ledger.page(sought, limit, after)) : failed(NO_TEAM)
  }

  /** What is known of a generation that may not have ended: its newest run, how many wait before it, how long others took. */
  find(generation: string, model?: string): Result<Found> {
    const { profile } = this.#charter
    if (!profile) return failed(NO_TEAM)
    const before = this.#turns.before(generation)
    return ok({ ...this.#books.ledger.find(generation, model), before, foundedMs: profile.createdMs })
  }

  /** Notes that pictures of a run were deleted. */
  discard(run: string, pictures: readonly string[]): void {
    if (this.#charter.profile) this.#books.ledger.discard(run, pictures, Date.now())
  }

  /** Where its events go and how they are signed. */
  webhook(): Result<WebhookFacts> {
    return this.#webhook.read()
  }

  /** Changes that, and tells how it is then. */
  changeWebhook(change: WebhookChange): Result<WebhookFacts> {
    return this.#webhook.change(change)
  }

  /** Writes down how the delivery of an event stands. */
  noteDelivery(note: DeliveryNote): void {
    this.#webhook.note(note)
  }

  /** A page of its deliveries, the newest first. */
  deliveries(sought: SoughtDeliveries, limit: number, after?: DeliveryCursor): Result<Delivery[]> {
    return this.#webhook.deliveries(sought, limit, after)
  }

  /** Ends what nobody settled, and removes what is kept no longer. */
  override async alarm(): Promise<void> {
    const now = Date.now()
    if (!this.#charter.profile) return await this.#upkeep.empty(now)
    this.#books.expire((key) => this.#reservations.holderOf(key), now)
    await this.#advance()
    await this.#upkeep.removeOld(now)
  }

  #create(): void {
    for (const part of [this.#books, this.#keys, this.#turns, this.#claims, this.#webhook]) part.create()
  }

  /** Changes a key, which may make room for those that wait. */
  async #changed(change: () => Key | undefined): Promise<Result<Key>> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    const key = change()
    await this.#advance()
    return key ? ok(key) : failed(NO_KEY)
  }

  /** Lets those run that there is room for now. */
  async #advance(): Promise<void> {
    if (!this.#charter.profile) return
    this.#turns.advance()
    await this.#callOut()
  }

  /** Whoever is called is not waited for: it may be asking for something itself. */
  async #callOut(): Promise<void> {
    this.ctx.waitUntil(this.#turns.callOut())
    await this.#upkeep.rearm(Date.now())
  }

  /** The bearer of the static key finds a team without anybody having made one; but one that was deleted stays so. */
  async #beThere(): Promise<void> {
    if (this.#charter.profile || this.#charter.era > 0) return
    this.found(await listedGatewayTeam(this.env, Date.now()))
  }
}
