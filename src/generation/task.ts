import type { JobForm } from '../dialects/job-form'
import type { Result } from '../runtime/errors'
import type { ImageRecord } from '../image/record'
import type { ImageRequest } from '../image/request'
import type { Payer, ServedBy } from '../ledger/entry'

/** What a generation is asked to do. */
export interface Task {
  /** Its id, which is also the name of its object. */
  id: string
  request: ImageRequest
  /** The id of the HTTP request that started it, for the log. */
  requestId: string
  /** Whether nothing of it may be adapted, by whoever serves it. */
  isExact?: true
  /** Whether others may be answered with its result. */
  shared: boolean
  payer: Payer
  /** The gateway's own address, as the caller knows it: what links to images begin with. */
  origin: string
}

/** A task, and how whoever asks for it wants to be answered. */
export interface GenerateOptions {
  task: Task
  /** An answer made before is too old, in ms since 1970; one that is being made is not. */
  madeSinceMs: number
  /** Whether its Idempotency-Key came before: it is answered with what is kept for that key, however old. */
  isReplay: boolean
  /** For how long after it is made somebody may come again for this answer, in ms; 0 where nobody has said so. */
  keepMs: number
  /** For how long it waits for its turn where its team is at its limit, in ms. */
  patienceMs: number
  /** The id of the event that it has succeeded, the same for a retry by an Idempotency-Key; each failure adds to it. */
  event: string
  /** A URL to which that is sent, as an event of its own; in the words of a dialect, where its body named the URL. */
  webhook?: { id: string; url: string; form: JobForm | undefined }
}

/** What came of a task. */
export interface Outcome {
  made: Result<ImageRecord>
  /** How many calls of upstreams were made. */
  attempts: number
  /** The upstream that was asked last. */
  last: ServedBy | undefined
  /** Which accounts were asked or passed over, and what came of each. */
  route?: string | undefined
  /** What had arrived of one that was cancelled. */
  arrived?: ImageRecord | undefined
}

/** An answer, and how it came about, as `x-cache` tells it. */
export interface Obtained {
  record: ImageRecord
  origin: 'HIT' | 'JOINED' | 'MISS'
}
