import * as z from 'zod'
import type { ErrorCode, Failure } from '../runtime/errors'
import type { Usage } from '../image/record'

/** Who pays for a run: the key whose request started it. */
export interface Payer {
  team: string
  /** The id of the key. */
  key: string
}

/** What a generation is about to do, and may cost at most: written down before anything is paid for. */
export const orderSchema = z.object({
  /** The run's id, of which there is one for each time that it is paid for. */
  id: z.string(),
  generation: z.string(),
  /** The id of the HTTP request that started it. */
  request: z.string(),
  /** The id of the key that pays. */
  key: z.string(),
  model: z.string(),
  operation: z.string(),
  prompt: z.string(),
  /** How many pictures, and of which size. */
  images: z.number(),
  size: z.string(),
  /** In micro-USD; undefined where no price is known. */
  quote: z.number().optional(),
  /** For how long the money is held for it at most, in ms. */
  holdMs: z.number(),
})
export type Order = z.infer<typeof orderSchema>

/** The operation of an order for a text, which has no pictures and no size. */
export const TEXT_OPERATION = 'text'

/** An order whose turn has not come, and what whoever does not wait for that is told. */
export interface QueuedOrder {
  instead: Failure
}

/** What came of it. */
export interface Settlement {
  id: string
  /** What it failed with; undefined where it did not. One that was cancelled may have pictures all the same. */
  failure?: ErrorCode | undefined
  /** In micro-USD; undefined where no price is known. */
  cost: number | undefined
  /** The keys of its pictures in R2. */
  images: string[]
  /** How many attempts there were. */
  attempts: number
  /** Which accounts were asked or passed over, in order, and what came of each. */
  route?: string | undefined
  /** Who served it, or failed to last. */
  upstream: ServedBy | undefined
  size?: string | undefined
  quality?: string | undefined
  usage?: Usage | undefined
}

/** An upstream, and its own ids of the request and the organisation. An audit asks for them (protocols §9.3). */
export interface ServedBy {
  name: string
  account: number
  /** The model as the upstream calls it. */
  model: string
  requestId?: string | undefined
  organization?: string | undefined
}

/** One generation: `running` while money is held for it, `expired` if nobody said what came of it in time. */
export type Entry = Pick<Order, 'id' | 'generation' | 'request' | 'key' | 'model' | 'operation' | 'prompt'> & {
  n: number
  status: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'expired'
  failure: ErrorCode | null
  started_ms: number
  ended_ms: number | null
  expires_ms: number
  /** Micro-USD. */
  reserved: number
  cost: number | null
  /** How many pictures came of it, their keys, and the keys of those that are kept, both as JSON. */
  images: number
  image_keys: string
  kept_keys: string
  attempts: number
  /** As the settlement tells it. */
  route: string | null
  upstream: string | null
  account: number | null
  served_model: string | null
  upstream_request: string | null
  organization: string | null
  size: string | null
  quality: string | null
  input_tokens: number | null
  output_tokens: number | null
  /** When its caller deleted it; what is about money stays. */
  deleted_ms: number | null
}

/** What a team knows of a generation that may not have ended. */
export interface KnownGeneration {
  /** Its newest run, unless that still waits. */
  entry: Entry | undefined
  /** How many wait before it; undefined where it does not wait. */
  ordersBefore: number | undefined
  /** How long the last ones of its model took that succeeded, in ms. */
  usualMs: number | undefined
  /** When the team began, in ms since 1970. */
  teamCreatedMs: number
}

/** Which entries are asked for; times are ms since 1970, `to` is not included. */
export interface EntryFilter {
  generation?: string | undefined
  /** The key of one of its pictures, kept or not. */
  image?: string | undefined
  key?: string | undefined
  from?: number | undefined
  to?: number | undefined
  /** Also those that were deleted. */
  deleted?: boolean | undefined
  /** Not those for texts. */
  pictured?: boolean | undefined
}

/** The last row of a page, by its time (ms since 1970) and its id. */
export interface Cursor {
  ms: number
  id: string
}

const imageKeys = z.array(z.string())

/** The keys of an entry's pictures. */
export const imageKeysOf = ({ image_keys }: Pick<Entry, 'image_keys'>): string[] =>
  imageKeys.parse(JSON.parse(image_keys))

/** The keys of those of an entry's pictures that are kept. */
export const keptKeysOf = ({ kept_keys }: Pick<Entry, 'kept_keys'>): string[] => imageKeys.parse(JSON.parse(kept_keys))
