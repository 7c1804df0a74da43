import * as z from 'zod'
import type { JobForm } from '../dialects/job-form'
import type { FollowedRequest } from './rows/followed-answers'
import { ok, type Result } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { imageRequestSchema } from '../image/request'
import { payerSchema } from '../ledger/entry'
import type { FailedRequest } from '../upstreams/trouble'

export const taskSchema = z.object({
  /** The id of the generation, which names its object. */
  id: z.string(),
  request: imageRequestSchema,
  /** The id of its first HTTP request, for the log. */
  requestId: z.string(),
  /** Whether no upstream may adapt the request further. */
  isExact: z.literal(true).exactOptional(),
  /** Whether the answer may be served to others. */
  shared: z.boolean(),
  payer: payerSchema,
  /** The gateway's address as the client knows it, for image links. */
  origin: z.string(),
  /** The gateways that the request has passed, with this one; missing in older rows. */
  hops: z.string().exactOptional(),
})
/** The work of a generation. */
export type Task = z.infer<typeof taskSchema>

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
