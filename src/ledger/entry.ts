import * as z from 'zod'
import { errorCode, type Failure } from '../failures/errors'
import { usageSchema } from '../image/record'

export const payerSchema = z.object({
  team: z.string(),
  /** The id of the key. */
  key: z.string(),
})
/** The payer of a run: the key of the request that started it. */
export type Payer = z.infer<typeof payerSchema>

/** A run that is about to start, and its largest expected cost. The ledger stores it before anything is paid for. */
export const orderSchema = z.object({
  /** The id of the run; a generation that is paid for twice has two runs. */
  id: z.string(),
  generation: z.string(),
  /** The id of the HTTP request that started it. */
  request: z.string(),
  /** The id of the key that pays. */
  key: z.string(),
  model: z.string(),
  operation: z.string(),
  prompt: z.string(),
  /** The number of images. */
  images: z.number(),
  size: z.string(),
  /** In micro-USD; undefined without a known price. */
  quote: z.number().optional(),
  /** The life of the reservation, in ms. */
  holdMs: z.number(),
  /** Whether an upstream may have been asked: without a settlement in time, the quote is booked as an estimate. */
  isAsked: z.boolean().optional(),
})
export type Order = z.infer<typeof orderSchema>

/** The stored part of a prompt, in characters: enough to tell images apart. */
export const MAX_KEPT_PROMPT = 500

/** The operation of an order for a text, without images and size. */
export const TEXT_OPERATION = 'text'

/** A queued order, and the failure for a caller that does not wait for its turn. */
export interface QueuedOrder {
  instead: Failure
}

const servedBySchema = z.object({
  name: z.string(),
  account: z.number(),
  /** The model as the upstream calls it. */
  model: z.string(),
  requestId: z.string().optional(),
  organization: z.string().optional(),
})
/** An upstream, and its own ids of the request and the organisation. An audit asks for them (protocols §9.3). */
export type ServedBy = z.infer<typeof servedBySchema>

export const settlementSchema = z.object({
  id: z.string(),
  /** The code of a failure; undefined for a success. A cancelled run may have images. */
  failure: errorCode.optional(),
  /** In micro-USD; undefined without a known price. A failure may have a cost. */
  cost: z.number().optional(),
  /** The part of the cost that is an estimate, in micro-USD; missing in rows of an earlier version. */
  estimated: z.number().optional(),
  /** The images that count towards the limit of a day, if upstreams have taken more than are in R2. */
  taken: z.number().optional(),
  /** The keys of its images in R2. */
  images: z.array(z.string()),
  /** The end of the run in ms since 1970. It is missing in rows of an earlier version. */
  endedMs: z.number().optional(),
  /** The number of attempts. */
  attempts: z.number(),
  /** The accounts tried or passed over, in order, and the result of each. */
  route: z.string().optional(),
  /** The upstream that served the run, or failed last. */
  upstream: servedBySchema.optional(),
  size: z.string().optional(),
  quality: z.string().optional(),
  usage: usageSchema.optional(),
})
/** The outcome of a run. */
export type Settlement = z.infer<typeof settlementSchema>

/** A row of the ledger, one run: `running` while money is reserved, `expired` if no settlement came in time. */
export const entrySchema = z.object({
  ...orderSchema.pick({
    id: true,
    generation: true,
    request: true,
    key: true,
    model: true,
    operation: true,
    prompt: true,
  }).shape,
  n: z.number(),
  status: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'expired']),
  /** A code that this version lacks reads as `internal`. */
  failure: errorCode.nullable().catch('internal'),
  started_ms: z.number(),
  ended_ms: z.number().nullable(),
  expires_ms: z.number(),
  /** Micro-USD. */
  reserved: z.number(),
  /** The cost that is booked if no settlement comes, as an estimate; null without a known price. */
  lost_cost: z.number().nullable(),
  cost: z.number().nullable(),
  /** The part of `cost` that is an estimate. */
  estimated: z.number(),
  /** The number of images made. */
  images: z.number(),
  /** A JSON list of the keys of all images; `kept_keys` has those that still exist. */
  image_keys: z.string(),
  kept_keys: z.string(),
  attempts: z.number(),
  route: z.string().nullable(),
  upstream: z.string().nullable(),
  account: z.number().nullable(),
  served_model: z.string().nullable(),
  upstream_request: z.string().nullable(),
  organization: z.string().nullable(),
  size: z.string().nullable(),
  quality: z.string().nullable(),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  /** The time of its deletion by the team, in ms since 1970; the columns about money stay. */
  deleted_ms: z.number().nullable(),
})
export type Entry = z.infer<typeof entrySchema>

/** The team's knowledge of a generation that may not have ended. */
export interface KnownGeneration {
  /** Whether it may be the team's at all; its object is asked only then. */
  isKnown: boolean
  /** Its newest run; a queued run has no entry. */
  entry: Entry | undefined
  /** The number of orders before it in the queue; undefined if it does not wait. */
  ordersBefore: number | undefined
  /** The mean duration of recent successful runs of its model, in ms. */
  usualMs: number | undefined
  /** The time of the team's creation, in ms since 1970. */
  teamCreatedMs: number
  /** The number of earlier teams of the id. */
  incarnation: number
}

/** The team's knowledge of a job that it has just taken. */
export type JobFacts = Pick<KnownGeneration, 'ordersBefore' | 'usualMs'>

/** Conditions of a page of entries; times are ms since 1970, and `to` is not included. */
export interface EntryFilter {
  generation?: string | undefined
  /** The key of one of its images, deleted ones included. */
  image?: string | undefined
  key?: string | undefined
  from?: number | undefined
  to?: number | undefined
  /** Includes deleted entries. */
  deleted?: boolean | undefined
}

/** A page of entries. It may be short, or empty, although another one follows. */
export interface ListedEntries<Row extends Entry = Entry> {
  entries: Row[]
  /** The place of the next page; undefined after the last entry. */
  next: Cursor | undefined
}

/** The last row of a page, by its time (ms since 1970) and its id. */
export const cursorSchema = z.object({ ms: z.number(), id: z.string() })
export type Cursor = z.infer<typeof cursorSchema>

const imageKeys = z.array(z.string())

/** The keys of all images of an entry. */
export const imageKeysOf = ({ image_keys }: Pick<Entry, 'image_keys'>): string[] =>
  imageKeys.parse(JSON.parse(image_keys))

/** The keys of an entry's images that still exist. */
export const keptKeysOf = ({ kept_keys }: Pick<Entry, 'kept_keys'>): string[] => imageKeys.parse(JSON.parse(kept_keys))
