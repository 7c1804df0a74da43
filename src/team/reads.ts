import { failed, type Failure, ok, type Result } from '../failures/errors'
import {
  type Cursor,
  type Entry,
  type EntryFilter,
  type JobFacts,
  keptKeysOf,
  type KnownGeneration,
  type ListedEntries,
  type Order,
  type Settlement,
} from '../ledger/entry'
import { type NumberedPart, type ReportPeriod, type SumsQuestion, totalOf, type UsageReport } from '../ledger/usage'
import type { LimitStatus } from '../limits/limit-status'
import type { Limits } from '../limits/limits'
import { runOfKey } from '../store/images'
import type { Accounting } from './accounting'
import { History } from './history'
import type { KeyLimits } from './key-limits'
import type { Key } from './keys'
import type { KnownJobs } from './known-jobs'
import type { TeamLifecycle } from './lifecycle'
import type { OrderQueue } from './order-queue'
import { type Profile, TEAM_NOT_FOUND } from './profile'

/** A team, with the status of its limits and those of a key. */
export interface TeamState {
  profile: Profile
  limits: Limits
  limitStatuses: LimitStatus[]
}

/** A team's state for one of its keys. */
export interface KeyState extends TeamState {
  key: Key
}

/** The same, with the use of the key by row, and the team's total. */
export interface KeyAccount extends KeyState {
  own: UsageReport
  all: UsageReport
}

/** An image that may be the team's. */
export interface OwnImage {
  /** The entry of an image that the team made and has not deleted. */
  entry: Entry | undefined
  /** Whether its generation has a run without a settlement, which may have made it. */
  isRunning: boolean
}

/** The model of a job that was just accepted. */
export interface NewJob {
  model: string
}

/** The parts of a team that answer questions. */
interface ReadParts {
  lifecycle: TeamLifecycle
  accounting: Accounting
  keyLimits: KeyLimits
  queue: OrderQueue
  jobs: KnownJobs
}

/** Answers questions about a team. */
export class TeamReads {
  readonly #parts: ReadParts
  readonly #history: History

  constructor(parts: ReadParts, bucket: R2Bucket) {
    this.#parts = parts
    this.#history = new History(parts.accounting, bucket)
  }

  /** The profile, and the status of the limits of the team and of one key. */
  state(keyId: string): Result<TeamState> {
    const { lifecycle, accounting, keyLimits } = this.#parts
    if (!lifecycle.profile) return failed(TEAM_NOT_FOUND)
    const limited = keyLimits.limitedKeyOf(keyId)
    const limitStatuses = accounting.limitStatuses(limited, Date.now())
    return ok({ profile: lifecycle.profile, limits: limited.teamLimits, limitStatuses })
  }

  usage(period: ReportPeriod): Result<UsageReport> {
    const { lifecycle, accounting } = this.#parts
    if (!lifecycle.profile) return failed(TEAM_NOT_FOUND)
    return accounting.ledger.sums.lacks(period.from) ? failed(NOT_SUMMED) : ok(accounting.usage.of(period))
  }

  ofKey(key: Key): Result<KeyState> {
    const state = this.state(key.id)
    return state.ok ? ok({ ...state.value, key }) : state
  }

  /** The first part of the changed sums, for a directory with the answers up to `stored`, or a further part. */
  sums(asked: SumsQuestion): Result<NumberedPart> {
    const { lifecycle, accounting } = this.#parts
    if (!lifecycle.profile) return failed(TEAM_NOT_FOUND)
    if (accounting.ledger.sums.isBehind) return failed(NOT_SUMMED)
    return ok(accounting.usage.changed(asked))
  }

  account(key: Key, period: ReportPeriod): Result<KeyAccount> {
    const [state, all, own] = [this.ofKey(key), this.usage(period), this.usage({ ...period, key: key.id })]
    if (!state.ok) return state
    if (!all.ok) return all
    return own.ok ? ok({ ...state.value, own: own.value, all: totalOf(all.value) }) : own
  }

  /** A page of up to `limit` entries, the newest first. Throws StoreError. */
  async page(filter: EntryFilter, limit: number, after?: Cursor): Promise<Result<ListedEntries>> {
    const { profile } = this.#parts.lifecycle
    return profile ? ok(await this.#history.page(profile.id, filter, limit, after)) : failed(TEAM_NOT_FOUND)
  }

  /** A page of up to `limit` entries for images that are not deleted, the newest first. Throws StoreError. */
  async list(filter: Pick<EntryFilter, 'key'>, limit: number, after?: Cursor): Promise<Result<ListedEntries>> {
    const { profile } = this.#parts.lifecycle
    return profile ? ok(await this.#history.list(profile.id, filter, limit, after)) : failed(TEAM_NOT_FOUND)
  }

  /** An image of the team by its key. Throws StoreError. */
  async image(image: string): Promise<Result<OwnImage>> {
    const { profile } = this.#parts.lifecycle
    if (!profile) return failed(TEAM_NOT_FOUND)
    const generation = runOfKey(image)?.generation
    if (generation === undefined) return ok({ entry: undefined, isRunning: false })
    const entry = await this.#history.newest(profile.id, { generation, image })
    if (entry && keptKeysOf(entry).includes(image)) return ok({ entry, isRunning: false })
    const newest = await this.#history.newest(profile.id, { generation })
    return ok({ entry: undefined, isRunning: newest?.status === 'running' })
  }

  /** Whether a settlement repeats that of an archived run. Throws StoreError. */
  async isArchived({ id, images: [image = ''] }: Settlement): Promise<boolean> {
    const { lifecycle, accounting } = this.#parts
    const [{ profile }, generation] = [lifecycle, runOfKey(image)?.generation]
    if (!profile || generation === undefined || accounting.ledger.entry(id)) return false
    return (await this.#history.newest(profile.id, { generation, image, deleted: true }))?.id === id
  }

  /**
   * A generation of the team: its newest run, its place in the queue, and the usual duration of its model. From now on
   * the team knows a new job. Throws StoreError.
   */
  async find(generation: string, newJob?: NewJob): Promise<Result<KnownGeneration>> {
    const { lifecycle } = this.#parts
    if (!lifecycle.profile) return failed(TEAM_NOT_FOUND)
    const entry = await this.#history.newest(lifecycle.profile.id, { generation })
    return lifecycle.profile ? ok(this.#known(generation, entry, lifecycle.profile, newJob)) : failed(TEAM_NOT_FOUND)
  }

  /** Has the team know the job of an order that it has taken, and returns its facts. */
  takenJob({ generation, model }: Order): JobFacts | undefined {
    const { lifecycle, accounting } = this.#parts
    if (!lifecycle.profile) return undefined
    const [entry] = accounting.ledger.page({ generation }, 1).entries
    const { ordersBefore, usualMs } = this.#known(generation, entry, lifecycle.profile, { model })
    return { ordersBefore, usualMs }
  }

  #known(
    generation: string,
    entry: Entry | undefined,
    { createdMs: teamCreatedMs }: Profile,
    newJob: NewJob | undefined,
  ): KnownGeneration {
    const { lifecycle, accounting, queue, jobs } = this.#parts
    if (newJob && !entry) jobs.add(generation, newJob.model, Date.now())
    const ordersBefore = queue.ordersBefore(generation)
    const job = jobs.find(generation, Date.now())
    const isKnown = entry !== undefined || ordersBefore !== undefined || job.isKnown
    const usualMs = isKnown ? accounting.ledger.usualMs(entry?.model ?? job.model) : undefined
    return { isKnown, entry, usualMs, ordersBefore, teamCreatedMs, incarnation: lifecycle.incarnation }
  }
}

const NOT_SUMMED: Failure = {
  code: 'unavailable',
  message: 'The usage of these days is being added up after an update of the gateway. Try again in a minute.',
  retryAfterMs: 10_000,
}
