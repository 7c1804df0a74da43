import { DurableObject } from 'cloudflare:workers'
import { type Result, failed, ok } from '../failures/errors'
import { removeImages } from '../store/images'
import type { Admission } from '../limits/admission'
import { Accounting } from './accounting'
import { Admissions } from './admissions'
import { callGeneration } from './call-generation'
import { TeamLifecycle } from './lifecycle'
import { type Claim, Claims, type ClaimingRequest } from './claims'
import type { FreshEnd, FreshRequest } from './fresh-requests'
import { INCORRECT_API_KEY } from '../credentials/caller'
import type {
  Cursor,
  Entry,
  EntryFilter,
  KnownGeneration,
  ListedEntries,
  Order,
  QueuedOrder,
  Settlement,
} from '../ledger/entry'
import type { Delivery, DeliveryFilter, DeliveryReport } from './deliveries'
import { KeyLimits } from './key-limits'
import { type Key, type KeyFields, Keys, STATIC_KEY } from './keys'
import { KnownJobs } from './known-jobs'
import { OrderQueue } from './order-queue'
import { Orders, TOO_LATE } from './orders'
import { TEAM_BEING_DELETED, KEY_NOT_FOUND, TEAM_NOT_FOUND, type Profile, type ProfileFields } from './profile'
import { listDefaultTeam } from './ask-directory'
import { type NewJob, type TeamAccount, TeamReads, type TeamState } from './reads'
import { Upkeep } from './upkeep'
import type { FreeAnswers, ReportPeriod, UsageReport } from '../ledger/usage'
import { VerdictSender } from './verdict-sender'
import { TeamWebhook, type WebhookChange, type WebhookState } from './webhook'

/** One team: its keys, its limits, its money and its webhook. */
export class Team extends DurableObject<Env> {
  readonly #lifecycle = new TeamLifecycle(this.ctx.storage)
  readonly #accounting = new Accounting(this.ctx.storage)
  readonly #keys = new Keys(this.ctx.storage.sql)
  readonly #claims = new Claims(this.ctx.storage.sql)
  readonly #webhook = new TeamWebhook(this.ctx.storage, this.#lifecycle)
  readonly #jobs = new KnownJobs(this.ctx.storage)
  readonly #queue = new OrderQueue(this.ctx.storage.sql)
  readonly #parts = {
    storage: this.ctx.storage,
    lifecycle: this.#lifecycle,
    accounting: this.#accounting,
    keys: this.#keys,
    keyLimits: new KeyLimits(this.env, this.#lifecycle, this.#keys),
    queue: this.#queue,
    jobs: this.#jobs,
  }
  readonly #orders = new Orders(this.#parts)
  readonly #sender = new VerdictSender(this.#queue, this.#orders, callGeneration(this.env))
  readonly #admissions = new Admissions(this.#parts, async (isStaticKey) => {
    if (isStaticKey) await this.#ensureDefaultTeam()
    await this.#upkeep.wake(Date.now())
  })
  readonly #reads = new TeamReads(this.#parts)
  readonly #upkeep = new Upkeep(this.ctx.storage, this.env, this.#parts)

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // A team stored by an earlier version may lack some of the tables.
    if (this.#lifecycle.profile) this.#createTables(false)
    if (this.#accounting.ledger.sums.isBehind) ctx.waitUntil(this.#upkeep.rearm(Date.now()))
  }

  /** Creates the team; returns the profile of the existing one if there is one. */
  create(profile: Profile): Result<Profile> {
    if (this.#lifecycle.profile) return ok(this.#lifecycle.profile)
    if (this.#lifecycle.isPurging) return failed(TEAM_BEING_DELETED)
    this.#createTables(true)
    this.#lifecycle.profile = profile
    return ok(profile)
  }

  /** The profile, and the status of the limits of the team and of one key. */
  read(keyId = STATIC_KEY.id): Result<TeamState> {
    return this.#reads.state(keyId)
  }

  async change(change: Partial<ProfileFields>): Promise<Result<Profile>> {
    return await this.#changed(() => this.#lifecycle.change(change))
  }

  /** Deletes the team: its keys end at once, and the alarm removes its images and tables. */
  async delete(): Promise<Result<undefined>> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    this.#lifecycle.markDeleted()
    this.#webhook.removeWithTeam()
    // Refuses the waiting orders: their keys have ended.
    this.#orders.advance(Date.now())
    await this.#notifyCalled()
    await this.ctx.storage.setAlarm(Date.now())
    return ok(undefined)
  }

  keys(): Result<Key[]> {
    return this.#lifecycle.profile ? ok(this.#keys.all()) : failed(TEAM_NOT_FOUND)
  }

  /** Adds a key by the SHA-256 of its text, hex. */
  addKey(id: string, hash: string, fields: KeyFields): Result<Key> {
    return this.#lifecycle.profile ? ok(this.#keys.add(id, hash, fields, Date.now())) : failed(TEAM_NOT_FOUND)
  }

  async changeKey(id: string, change: Partial<KeyFields>): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.change(id, change))
  }

  async revokeKey(id: string): Promise<Result<Key>> {
    return await this.#changed(() => this.#keys.revoke(id, Date.now()))
  }

  /** The key of a hash. For a list or a report, `listsPerMinute` is the number that a key gets. */
  async authenticate(hash: string | undefined, listsPerMinute?: number): Promise<Result<Key>> {
    return await this.#admissions.authenticate(hash, listsPerMinute)
  }

  countWebhook(keyId: string, perMinute: number): Result<undefined> {
    return this.#admissions.count('webhooks', keyId, perMinute)
  }

  async admit(hash: string | undefined): Promise<Result<Admission>> {
    return await this.#admissions.admit(hash)
  }

  returnLease(keyId: string, unused: { requests: number; leasedMs: number }, answers: readonly FreeAnswers[]): void {
    this.#admissions.returnLease(keyId, unused, answers)
  }

  /** Reserves the money of a run, or queues it if it may wait. `untilMs` is the end of the caller's wait, in ms since 1970. */
  async reserve(order: Order, mayWait: boolean, untilMs = Infinity): Promise<Result<QueuedOrder | undefined>> {
    if (Date.now() > untilMs) return failed(TOO_LATE)
    if (order.key === STATIC_KEY.id) await this.#ensureDefaultTeam()
    if (!this.#lifecycle.profile) return failed(INCORRECT_API_KEY)
    const taken = this.#orders.ask(order, mayWait, Date.now())
    await this.#notifyCalled()
    return taken
  }

  /** Removes a run from the queue; false if its turn has come, or it never waited. */
  async withdraw(run: string): Promise<boolean> {
    if (!this.#lifecycle.profile) return true
    const isWaiting = this.#orders.withdraw(run, Date.now())
    await this.#notifyCalled()
    return isWaiting
  }

  /** The generation of a request that another one may repeat; a repeated call changes nothing. */
  claim(request: ClaimingRequest | FreshRequest): Result<Claim> {
    return this.#lifecycle.profile ? this.#claims.claim(request, Date.now()) : failed(TEAM_NOT_FOUND)
  }

  /** Ends a fresh request by the id of the HTTP request. */
  endFresh(request: string, end: FreshEnd): void {
    if (this.#lifecycle.profile) this.#claims.fresh.end(request, end)
  }

  /** Records the outcome of a run, and reports whether the team's webhook is on. Images of a deleted run are removed. */
  async settle(settlement: Settlement): Promise<{ webhook: boolean }> {
    const isKept = this.#lifecycle.profile && this.#orders.settle(settlement, Date.now())
    if (this.#lifecycle.profile) await this.#notifyCalled()
    if (!isKept) await removeImages(this.env.IMAGES, settlement.images)
    return { webhook: isKept === true && this.#webhook.isOn }
  }

  usage(period: ReportPeriod): Result<UsageReport> {
    return this.#reads.usage(period)
  }

  /** The state and the use of the team for one of its keys. */
  account(keyId: string, period: ReportPeriod): Result<TeamAccount> {
    return this.#reads.account(keyId, period)
  }

  page(filter: EntryFilter, limit: number, after?: Cursor): Result<Entry[]> {
    return this.#reads.page(filter, limit, after)
  }

  list(filter: Pick<EntryFilter, 'key'>, limit: number, after?: Cursor): Result<ListedEntries> {
    return this.#reads.list(filter, limit, after)
  }

  find(generation: string, newJob?: NewJob): Result<KnownGeneration> {
    return this.#reads.find(generation, newJob)
  }

  /** Records the deletion of a run's images. */
  discard(run: string, images: readonly string[]): void {
    if (this.#lifecycle.profile) this.#accounting.ledger.discard(run, images, Date.now())
  }

  webhook(): Result<WebhookState> {
    return this.#webhook.read()
  }

  changeWebhook(change: WebhookChange): Result<WebhookState> {
    return this.#webhook.change(change)
  }

  recordDelivery(report: DeliveryReport): void {
    this.#webhook.record(report)
  }

  deliveries(filter: DeliveryFilter, limit: number, after?: Cursor): Result<Delivery[]> {
    return this.#webhook.deliveries(filter, limit, after)
  }

  /** Expires reservations, advances the queue and removes old images; purges a deleted team. */
  override async alarm(invocation?: AlarmInvocationInfo): Promise<void> {
    await this.#upkeep.ring(invocation, [() => this.#advance()])
  }

  #createTables(isNewTeam: boolean): void {
    for (const part of [this.#accounting, this.#keys, this.#queue, this.#claims, this.#webhook]) part.createTables()
    this.#jobs.createTables(isNewTeam)
  }

  /** Changes the team or a key, then advances the queue: new limits may make room. */
  async #changed<Row>(change: () => Row | undefined): Promise<Result<Row>> {
    if (!this.#lifecycle.profile) return failed(TEAM_NOT_FOUND)
    const changed = change()
    await this.#advance()
    return changed ? ok(changed) : failed(KEY_NOT_FOUND)
  }

  /** Starts waiting orders as far as the limits allow. */
  async #advance(): Promise<void> {
    if (!this.#lifecycle.profile) return
    this.#orders.advance(Date.now())
    await this.#notifyCalled()
  }

  /** Notifies objects without waiting for them: one of them may be calling this team. */
  async #notifyCalled(): Promise<void> {
    this.ctx.waitUntil(this.#sender.send())
    await this.#upkeep.rearm(Date.now())
  }

  /** Creates the default team on first use of the static key, unless it was deleted. */
  async #ensureDefaultTeam(): Promise<void> {
    if (this.#lifecycle.profile || this.#lifecycle.incarnation > 0) return
    this.create(await listDefaultTeam(this.env, Date.now()))
  }
}
