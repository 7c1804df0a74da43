import type { Result } from '../errors'
import type { ImageRecord } from '../image/record'
import type { ImageRequest } from '../image/request'
import type { Payer, Served } from '../team/entry'

/** What a generation is asked to do. */
export interface Task {
  /** Its id, which is also the name of its object. */
  id: string
  request: ImageRequest
  /** The id of the HTTP request that started it, for the log. */
  requestId: string
  /** Whether others may be answered with its result. */
  shared: boolean
  payer: Payer
}

/** What came of a task. */
export interface Outcome {
  made: Result<ImageRecord>
  /** How many upstreams were asked. */
  attempts: number
  /** The upstream that was asked last. */
  last: Served | undefined
}

/** An answer, and how it came about, as `x-cache` tells it. */
export interface Obtained {
  record: ImageRecord
  origin: 'HIT' | 'JOINED' | 'MISS'
}
