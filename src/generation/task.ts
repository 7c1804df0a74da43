import type { JobForm } from '../dialects/job-form'
import type { FollowedRequest } from './answers'
import { ok, type Result } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import type { ImageRequest } from '../image/request'
import type { Payer, ServedBy } from '../ledger/entry'
import type { FailedRequest } from '../upstreams/trouble'

/** The work of a generation. */
export interface Task {
  /** The id of the generation, which names its object. */
  id: string
  request: ImageRequest
  /** The id of its first HTTP request, for the log. */
  requestId: string
  /** Whether no upstream may adapt the request further. */
  isExact?: true
  /** Whether the answer may be served to others. */
  shared: boolean
  payer: Payer
  /** The gateway's address as the client knows it, for image links. */
  origin: string
  /** The gateways that the request has passed, with this one; missing in older rows. */
  hops?: string
}

/** The source of the outcomes of a task. Requests of one fingerprint are one request to an account. */
export const callerOf = ({ id, payer }: Pick<Task, 'id' | 'payer'>): FailedRequest => ({
  payer: payer.team,
  request: id,
})

/** A task with the wishes of one client. */
export interface GenerateOptions {
  task: Task
  /** The oldest acceptable answer in ms since 1970; a run in progress is always acceptable. */
  madeSinceMs: number
  /** Whether its Idempotency-Key came before: the stored answer of that key is acceptable at any age. */
  isReplay: boolean
  /** The time after the answer in which the client may come again, in ms; 0 without an Idempotency-Key. */
  keepMs: number
  /** The longest wait in the queue of the team, in ms. */
  patienceMs: number
  /** The id of the success event, equal for retries by an Idempotency-Key; each failure extends it. */
  event: string
  /** The webhook URL of the request; `form` is set for a URL in the body. */
  webhook?: { id: string; url: string; form: JobForm | undefined }
  /** Set for a job that its client asks for by an id of the request's own. */
  followed?: FollowedRequest
}

/** The sum of a run's calls, whatever came of them. Amounts are micro-USD. */
export interface Spending {
  /** Undefined without a known price. */
  cost: number | undefined
  /** The part of the cost that is an estimate. */
  estimated: number
  /** The images that upstreams made or may have made, at most those of the task. */
  taken: number
}

/** The outcome of a task. */
export interface RunOutcome {
  made: Result<ImageRecord>
  /** The number of calls. */
  attempts: number
  /** The upstream of the last call. */
  last: ServedBy | undefined
  /** The steps of the route. */
  route?: string | undefined
  /** The cost of its calls; undefined without a call. */
  spending?: Spending | undefined
  /** The images of a cancelled task. */
  arrived?: ImageRecord | undefined
}

/** An answer and its origin, as in `x-cache`. */
export interface Obtained {
  record: ImageRecord
  origin: 'HIT' | 'JOINED' | 'MISS'
}

/** A retry of the request that started this run is reported as MISS (it pays), not HIT or JOINED. */
export const withOrigin = (
  startedBy: string | undefined,
  { task }: GenerateOptions,
  origin: Obtained['origin'],
  made: Result<ImageRecord>,
): Result<Obtained> =>
  made.ok ? ok({ record: made.value, origin: startedBy === task.requestId ? 'MISS' : origin }) : made
