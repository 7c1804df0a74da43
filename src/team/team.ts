import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Result, failed, ok } from '../errors'
import { log } from '../log'
import * as images from '../store/images'
import type { Admission } from './admission'
import { Books, type Holder } from './books'
import { Charter } from './charter'
import { GATEWAY_TEAM, WRONG_KEY } from './caller'
import type { Cursor, Entry, Order, Settlement, Sought } from './entry'
import { isGood, type Key, type KeyFacts, Keys, STATIC_KEY } from './keys'
import { type Limits, refuseAsked } from './limits'
import { dayOf } from './meter'
import { LEASE_MS, Pace } from './pace'
import { CLOSING, limitsOf, NO_KEY, NO_TEAM, type Profile } from './profile'
import { nextDueMs, removeKept } from './retention'
import type { Standing } from './standing'
import { askDirectory } from './teams'
import type { FreeAnswers, Period, Used } from './usage'
import { meantBy } from '../upstreams/choose'

/** One team: the truth about its keys, its limits and its money. */
export class Team extends DurableObject<Env> {
  readonly #charter = new Charter(this.ctx.storage)
  readonly #books = new Books(this.ctx.storage)
  readonly #keys = new Keys(this.ctx.storage.sql)
  readonly #pace = new Pace()

  /** Begins a team, or tells what it is where there is one already. */
  found(profile: Profile): Result<Profile> {
    if (this.#charter.profile) return ok(this.#charter.profile)
    if (this.#charter.isEmptying) return failed(CLOSING)
    this.#books.create()
    this.#keys.create()
    this.#charter.profile = profile
    return ok(profile)
  }

  /** The team as it is, with how its limits stand and those of one of its keys. */
  read(keyId = STATIC_KEY.id): Result<{ profile: Profile; limits: Limits; standings: Standing[] }> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    const holder = this.#holderOf(keyId)
    return ok({
      profile: this.#charter.profile,
      limits: holder.teamLimits,
      standings: this.#books.standings(holder, Date.now()),
    })
  }

  change(change: Partial<Pick<Profile, 'name' | 'plan' | 'limits'>>): Result<Profile> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    const changed = { ...this.#charter.profile, ...change }
    this.#charter.profile = changed
    return ok(changed)
  }

  /** Ends a team: from now on its keys open nothing, and the alarm removes its pictures and its books. */
  async close(): Promise<Result<undefined>> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    this.#charter.end()
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

  changeKey(id: string, change: Partial<KeyFacts>): Result<Key> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    const key = this.#keys.change(id, change)
    return key ? ok(key) : failed(NO_KEY)
  }

  revokeKey(id: string): Result<Key> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    const key = this.#keys.revoke(id, Date.now())
    return key ? ok(key) : failed(NO_KEY)
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
    const holder = this.#holder(key)
    const leaseFor = (standings: readonly Standing[]): number =>
      isGood(key, now + LEASE_MS) ? this.#pace.lease(key.id, standings, now) : 0
    const limits = [key.limits, holder.teamLimits]
    return ok({ payer, era: this.#charter.era, limits, ...this.#books.admit(holder, leaseFor, now) })
  }

  /** Takes back what is left of a lease, and counts the answers that cost nothing. */
  count(keyId: string, unused: { requests: number; leasedMs: number }, answers: readonly FreeAnswers[]): void {
    if (!this.#charter.profile) return
    const [now, holder] = [Date.now(), this.#holderOf(keyId)]
    if (holder.key.id !== keyId) return
    if (unused.requests > 0) this.#books.giveBack(holder, unused.requests, unused.leasedMs, now)
    this.#books.usage.count(dayOf(now), keyId, answers)
  }

  /** Holds the money for a generation, if its key is still good and the limits allow it. */
  async reserve(order: Order): Promise<Result<undefined>> {
    if (order.key === STATIC_KEY.id) await this.#beThere()
    const [now, holder] = [Date.now(), this.#holderOf(order.key)]
    if (!this.#charter.profile || holder.key.id !== order.key || !isGood(holder.key, now)) return failed(WRONG_KEY)
    // A lease may have let it in by limits that were changed since.
    const meant = (name: string): string | undefined => meantBy(name, configOf(this.env))?.model
    const refusal = refuseAsked({ ...order, n: order.images }, [holder.key.limits, holder.teamLimits], meant)
    if (refusal) return failed(refusal)
    const reserved = this.#books.reserve(order, holder, now)
    await this.#rearm(now)
    return reserved
  }

  /** Writes down what a generation came to; where it or its team was deleted meanwhile, its pictures go as well. */
  async settle(settlement: Settlement): Promise<void> {
    const now = Date.now()
    const isKept = this.#charter.profile && this.#books.settle(settlement, (key) => this.#holderOf(key), now)
    if (isKept) await this.#rearm(now)
    else await images.remove(this.env.IMAGES, settlement.images)
  }

  usage(period: Period): Result<Used> {
    if (!this.#charter.profile) return failed(NO_TEAM)
    return ok({ rows: this.#books.usage.rows(period), latency: this.#books.usage.latency(period) })
  }

  /** A page of its generations, the newest first. */
  page(sought: Sought, limit: number, after?: Cursor): Result<Entry[]> {
    return this.#charter.profile ? ok(this.#books.ledger.page(sought, limit, after)) : failed(NO_TEAM)
  }

  /** Notes that pictures of a run were deleted. */
  discard(run: string, pictures: readonly string[]): void {
    if (this.#charter.profile) this.#books.ledger.discard(run, pictures, Date.now())
  }

  /** Ends what nobody settled, and removes what is kept no longer. */
  override async alarm(): Promise<void> {
    const now = Date.now()
    if (!this.#charter.profile) return await this.#empty(now)
    for (const { id, generation } of this.#books.expire((key) => this.#holderOf(key), now)) {
      log('reservation-expired', { team: this.#charter.profile.id, run: id, generation })
    }
    const { imageRetentionMs } = configOf(this.env)
    if (imageRetentionMs !== undefined) await removeKept(this.#books.ledger, this.env.IMAGES, now - imageRetentionMs)
    await this.#rearm(now)
  }

  /** After the end: first the pictures, then the books. */
  async #empty(nowMs: number): Promise<void> {
    if (!this.#charter.isEmptying) return
    if (await removeKept(this.#books.ledger, this.env.IMAGES, nowMs)) await this.#charter.clear()
    else await this.ctx.storage.setAlarm(nowMs + AGAIN_MS)
  }

  /** Sets the object's one alarm to what is due next, where it is not set to something sooner. */
  async #rearm(nowMs: number): Promise<void> {
    const due = nextDueMs(this.#books.ledger, configOf(this.env).imageRetentionMs, nowMs)
    const set = await this.ctx.storage.getAlarm()
    if (due !== undefined && due < (set ?? Infinity)) await this.ctx.storage.setAlarm(Math.max(due, nowMs + AGAIN_MS))
  }

  /** The bearer of the static key finds a team without anybody having made one; but one that was deleted stays so. */
  async #beThere(): Promise<void> {
    if (this.#charter.profile || this.#charter.era > 0) return
    const [createdMs, plan] = [Date.now(), configOf(this.env).defaultPlan]
    const listed = { id: GATEWAY_TEAM, name: GATEWAY_TEAM, created_ms: createdMs }
    await askDirectory(this.env, async (directory) => await directory.add(listed))
    this.found({ id: GATEWAY_TEAM, name: GATEWAY_TEAM, plan, limits: {}, createdMs })
  }

  #holder(key: Key): Holder {
    return { key, teamLimits: this.#charter.profile ? limitsOf(this.#charter.profile, configOf(this.env)) : {} }
  }

  #holderOf(keyId: string): Holder {
    return this.#holder((this.#charter.profile && this.#keys.byId(keyId)) ?? STATIC_KEY)
  }
}

/** The soonest that an alarm is set for: whatever could not be done is tried again after that, in ms. */
const AGAIN_MS = 1000
