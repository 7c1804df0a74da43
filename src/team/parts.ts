import { failed, ok, type Result } from '../failures/errors'
import type { Settlement } from '../ledger/entry'
import { Accounting } from './accounting'
import { markChanged } from './ask-directory'
import { Claims } from './claims'
import { DirectoryMark } from './directory-mark'
import { KeyLimits } from './key-limits'
import { Keys } from './keys'
import { KnownJobs } from './known-jobs'
import { TeamLifecycle } from './lifecycle'
import { OrderQueue } from './order-queue'
import { Orders } from './orders'
import { type Profile, TEAM_BEING_DELETED } from './profile'
import { TeamReads } from './reads'
import { TeamWebhook } from './webhook'

/** The parts of a team's object that keep its state. */
export class TeamParts {
  readonly storage: DurableObjectStorage
  readonly lifecycle: TeamLifecycle
  readonly accounting: Accounting
  readonly keys: Keys
  readonly claims: Claims
  readonly webhook: TeamWebhook
  readonly jobs: KnownJobs
  readonly queue: OrderQueue
  readonly keyLimits: KeyLimits
  readonly orders: Orders
  readonly reads: TeamReads
  readonly mark: DirectoryMark

  constructor(storage: DurableObjectStorage, env: Env) {
    this.storage = storage
    this.lifecycle = new TeamLifecycle(storage)
    this.accounting = new Accounting(storage)
    this.keys = new Keys(storage.sql)
    this.claims = new Claims(storage.sql)
    this.webhook = new TeamWebhook(storage, this.lifecycle)
    this.jobs = new KnownJobs(storage)
    this.queue = new OrderQueue(storage.sql)
    this.keyLimits = new KeyLimits(env, this.lifecycle, this.keys)
    this.orders = new Orders(this)
    this.reads = new TeamReads(this, env.IMAGES)
    this.mark = new DirectoryMark(
      this.accounting.changes,
      async (epoch) => await markChanged(env, this.lifecycle, epoch),
    )
  }

  /** Creates the team; returns the profile of the existing one if there is one. */
  create(profile: Profile): Result<Profile> {
    if (this.lifecycle.profile) return ok(this.lifecycle.profile)
    if (this.lifecycle.isPurging) return failed(TEAM_BEING_DELETED)
    this.createTables(true)
    this.lifecycle.profile = profile
    return ok(profile)
  }

  /**
   * Records the outcome of a run once. False if its images must go: the run was deleted, or this team never reserved it.
   * Throws StoreError.
   */
  async settle(settlement: Settlement, nowMs: number): Promise<boolean> {
    if (!this.lifecycle.profile) return false
    return this.orders.settle(settlement, nowMs) || (await this.reads.isArchived(settlement))
  }

  createTables(isNewTeam: boolean): void {
    for (const part of [this.accounting, this.keys, this.queue, this.claims, this.webhook]) part.createTables()
    this.jobs.createTables(isNewTeam)
  }
}
