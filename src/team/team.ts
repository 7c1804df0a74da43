import { DurableObject } from 'cloudflare:workers'
import { type Result, failed, ok } from '../failures/errors'
import { removeImages } from '../store/images'
import type { Admission } from '../limits/admission'
import type { LeaseReport } from '../limits/lease'
import { Admissions, type SentKey } from './admissions'
import { callGeneration } from './call-generation'
import type { Claim, ClaimingRequest } from './claims'
import type { FreshEnd, FreshRequest } from './fresh-requests'
import { type Caller, INCORRECT_API_KEY } from '../credentials/caller'
import type { KnownGeneration, ListedEntries, Order, Settlement } from '../ledger/entry'
import type { Delivery, DeliveryReport } from './deliveries'
import { type Key, type KeyFields, STATIC_KEY } from './keys'
import { type OrderAnswer, TOO_LATE } from './orders'
import { TeamParts } from './parts'
import { KEY_NOT_FOUND, TEAM_NOT_FOUND, type Profile, type ProfileFields } from './profile'
import { listDefaultTeam } from './ask-directory'
import type { KeyAccount, KeyState, NewJob, OwnImage, TeamReads, TeamState } from './reads'
import { Upkeep } from './upkeep'
import type { NumberedPart, ReportPeriod, SumsQuestion, UsageReport } from '../ledger/usage'
import { VerdictSender } from './verdict-sender'
import type { TeamWebhook, WebhookChange, WebhookState } from './webhook'

/** One team: its keys, its limits, its money and its webhook. */
export class Team extends DurableObject<Env> {
  readonly #parts = new TeamParts(this.ctx.storage, this.env)
  readonly #sender = new VerdictSender(this.#parts.queue, this.#parts.orders, callGeneration(this.env))
  readonly #admissions = new Admissions(this.#parts, async (isStaticKey) => {
    if (isStaticKey) await this.#ensureDefaultTeam()
    await this.#upkeep.wake(Date.now())
  })
  readonly #upkeep = new Upkeep(this.ctx.storage, this.env, this.#parts)

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // A team stored by an earlier version may lack some of the tables.
    if (this.#parts.lifecycle.profile) this.#parts.createTables(false)
    if (this.#parts.accounting.ledger.sums.isBehind || this.#parts.mark.isMissing)
      ctx.waitUntil(this.#upkeep.rearm(Date.now()))
  }

  /** Creates the team; returns the profile of the existing one if there is one. */
  create(profile: Profile): Result<Profile> {
    return this.#parts.create(profile)
  }

  /** The profile, and the status of the limits of the team and of one key. */
  read(keyId = STATIC_KEY.id): Result<TeamState> {
    return this.#parts.reads.state(keyId)
  }

  async change(change: Partial<ProfileFields>): Promise<Result<Profile>> {
    return await this.#changed(() => this.#parts.lifecycle.change(change))
  }

  /** Deletes the team: its keys end at once, and the alarm removes its images and tables. */
  async delete(): Promise<Result<undefined>> {
    if (!this.#parts.lifecycle.profile) return failed(TEAM_NOT_FOUND)
    this.#parts.lifecycle.markDeleted(this.#parts.lifecycle.profile)
    this.#parts.webhook.removeWithTeam()
    // Refuses the waiting orders: their keys have ended.
    this.#parts.orders.advance(Date.now())
    await this.#notifyCalled()
    await this.ctx.storage.setAlarm(Date.now())
    return ok(undefined)
  }

  keys(): Result<Key[]> {
    return this.#parts.lifecycle.profile ? ok(this.#parts.keys.all()) : failed(TEAM_NOT_FOUND)
  }

  /** Adds a key by the SHA-256 of its text, hex. */
  addKey(id: string, hash: string, fields: KeyFields): Result<Key> {
    const { lifecycle, keys } = this.#parts
    return lifecycle.profile ? ok(keys.add(id, hash, fields, Date.now())) : failed(TEAM_NOT_FOUND)
  }

  async changeKey(id: string, change: Partial<KeyFields>): Promise<Result<Key>> {
    return await this.#changed(() => this.#parts.keys.change(id, change))
  }

  async revokeKey(id: string): Promise<Result<Key>> {
    return await this.#changed(() => this.#parts.keys.revoke(id, Date.now()))
  }

  /** The key of a request. This method and the others of this name take the key as it was sent, and check it. */
  async keyAs(sent: SentKey): Promise<Result<Key>> {
    return await this.#as(sent, ok)
  }

  /** The state of the team for a key. */
  async stateAs(sent: SentKey): Promise<Result<KeyState>> {
    return await this.#as(sent, (key) => this.#parts.reads.ofKey(key))
  }

  /** The state and the use of the team for a key. */
  async accountAs(sent: SentKey, period: ReportPeriod): Promise<Result<KeyAccount>> {
    return await this.#as(sent, (key) => this.#parts.reads.account(key, period))
  }

  async listAs(sent: SentKey, ...page: Parameters<TeamReads['list']>): Promise<Result<ListedEntries>> {
    return await this.#as(sent, () => this.#parts.reads.list(...page))
  }

  async findAs(sent: SentKey, generation: string): Promise<Result<KnownGeneration>> {
    return await this.#as(sent, () => this.#parts.reads.find(generation))
  }

  async imageAs(sent: SentKey, image: string): Promise<Result<OwnImage>> {
    return await this.#as(sent, () => this.#parts.reads.image(image))
  }

  countWebhook(keyId: string, perMinute: number): Result<undefined> {
    return this.#admissions.count('webhooks', keyId, perMinute)
  }

  async admit(hash: string | undefined): Promise<Result<Admission>> {
    return await this.#admissions.admit(hash)
  }

  /** Counts the use of leases and answers that cost nothing. The next lease is for the key of a caller. */
  reportUse(report: LeaseReport, caller?: Pick<Caller, 'keyHash'>): Result<Admission> | undefined {
    const admitted = this.#admissions.reportUse(report, caller)
    this.ctx.waitUntil(this.#upkeep.markChanged(Date.now()))
    return admitted
  }

  /** Reserves the money of a run, or queues it if it may wait. `untilMs` is the end of the caller's wait, in ms since 1970. */
  async reserve(order: Order, mayWait: boolean, untilMs = Infinity, isJob = false): Promise<OrderAnswer> {
    if (Date.now() > untilMs) return failed(TOO_LATE)
    if (order.key === STATIC_KEY.id) await this.#ensureDefaultTeam()
    if (!this.#parts.lifecycle.profile) return failed(INCORRECT_API_KEY)
    const taken = this.#parts.orders.ask(order, mayWait, Date.now())
    const facts = isJob && taken.ok ? this.#parts.reads.takenJob(order) : undefined
    await this.#notifyCalled()
    return facts ? { ...taken, facts } : taken
  }

  /** Removes a run from the queue; false if its turn has come, or it never waited. */
  async withdraw(run: string): Promise<boolean> {
    if (!this.#parts.lifecycle.profile) return true
    const isWaiting = this.#parts.orders.withdraw(run, Date.now())
    await this.#notifyCalled()
    return isWaiting
  }

  /** The generation of a request that another one may repeat; a repeated call changes nothing. */
  claim(request: ClaimingRequest | FreshRequest): Result<Claim> {
    return this.#parts.lifecycle.profile ? this.#parts.claims.claim(request, Date.now()) : failed(TEAM_NOT_FOUND)
  }

  /** Ends a fresh request by the id of the HTTP request. */
  endFresh(request: string, end: FreshEnd): void {
    if (this.#parts.lifecycle.profile) this.#parts.claims.fresh.end(request, end)
  }

  /** Records the outcome of a run, and reports whether the team's webhook is on. Images of a deleted run are removed. */
  async settle(settlement: Settlement): Promise<{ webhook: boolean }> {
    const isKept = await this.#parts.settle(settlement, Date.now())
    if (this.#parts.lifecycle.profile) await this.#notifyCalled()
    await this.#upkeep.markChanged(Date.now())
    if (!isKept) await removeImages(this.env.IMAGES, settlement.images)
    return { webhook: isKept && this.#parts.webhook.isOn }
  }

  /** The changed sums for the directory, a part at a time. */
  sums(asked: SumsQuestion): Result<NumberedPart> {
    return this.#parts.reads.sums(asked)
  }

  usage(period: ReportPeriod): Result<UsageReport> {
    return this.#parts.reads.usage(period)
  }

  async page(...page: Parameters<TeamReads['page']>): Promise<Result<ListedEntries>> {
    return await this.#parts.reads.page(...page)
  }

  async image(image: string): Promise<Result<OwnImage>> {
    return await this.#parts.reads.image(image)
  }

  async find(generation: string, newJob?: NewJob): Promise<Result<KnownGeneration>> {
    return await this.#parts.reads.find(generation, newJob)
  }

  /** Records the deletion of images of a run that started at a time, in ms since 1970. */
  async discard(run: string, images: readonly string[], startedMs: number): Promise<void> {
    if (this.#parts.lifecycle.profile) this.#parts.accounting.discard({ id: run, ms: startedMs }, images, Date.now())
    await this.#upkeep.rearm(Date.now())
  }

  webhook(): Result<WebhookState> {
    return this.#parts.webhook.read()
  }

  changeWebhook(change: WebhookChange): Result<WebhookState> {
    return this.#parts.webhook.change(change)
  }

  recordDelivery(report: DeliveryReport): void {
    this.#parts.webhook.record(report)
  }

  deliveries(...page: Parameters<TeamWebhook['deliveries']>): Result<Delivery[]> {
    return this.#parts.webhook.deliveries(...page)
  }

  /** Expires reservations, advances the queue, removes old images, archives entries; purges a deleted team. */
  override async alarm(invocation?: AlarmInvocationInfo): Promise<void> {
    await this.#upkeep.ring(invocation, [() => this.#advance()])
  }

  /** Answers a request by a read of the team, after the check of its key. */
  async #as<T>(sent: SentKey, read: (key: Key) => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    const key = await this.#admissions.authenticate(sent)
    return key.ok ? await read(key.value) : key
  }

  /** Changes the team or a key, then advances the queue: new limits may make room. */
  async #changed<Row>(change: () => Row | undefined): Promise<Result<Row>> {
    if (!this.#parts.lifecycle.profile) return failed(TEAM_NOT_FOUND)
    const changed = change()
    await this.#advance()
    return changed ? ok(changed) : failed(KEY_NOT_FOUND)
  }

  /** Starts waiting orders as far as the limits allow. */
  async #advance(): Promise<void> {
    if (!this.#parts.lifecycle.profile) return
    this.#parts.orders.advance(Date.now())
    await this.#notifyCalled()
  }

  /** Notifies objects without waiting for them: one of them may be calling this team. */
  async #notifyCalled(): Promise<void> {
    this.ctx.waitUntil(this.#sender.send())
    this.ctx.waitUntil(this.#upkeep.markChanged(Date.now()))
    await this.#upkeep.rearm(Date.now())
  }

  /** Creates the default team on first use of the static key, unless it was deleted. */
  async #ensureDefaultTeam(): Promise<void> {
    if (this.#parts.lifecycle.profile || this.#parts.lifecycle.incarnation > 0) return
    this.create(await listDefaultTeam(this.env, Date.now()))
  }
}
