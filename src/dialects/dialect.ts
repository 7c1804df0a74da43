import type { Context } from 'hono'
import type * as z from 'zod'
import type { Adjustment } from '../catalog/fit'
import type { App } from '../context'
import type { Failure } from '../errors'
import type { ImageRequest } from '../image/request'
import type { ImageRecord, PartialImage, StoredImage } from '../image/record'
import type { Intake } from './intake'

/** A request in our own terms. */
export interface Asked<Wants> {
  request: ImageRequest
  /** What the dialect itself had to translate. */
  adjustments: Adjustment[]
  /** How the caller wants the answer worded; plain data, known to the dialect only. */
  wants: Wants
}

/** A piece of an answer: text, or a picture, which stands for its own base64. */
export type Part = string | StoredImage

/** An answer as text with pictures in it. */
export interface Rendered {
  contentType: string
  parts: Part[]
}

/** How an answer goes out that is not there yet. */
export interface Beginning {
  contentType: string
  /** Says nothing, and keeps the connection from being taken for dead. */
  filler: string
  /** Words previews and failures, where the wire format has words for them once it has begun. */
  stream?: {
    partial: (partial: PartialImage) => Part[]
    failure: (worded: Worded) => string
  }
}

/** A failure in the words of a dialect, which may know its status by another number than ours. */
export interface Worded {
  status: number
  body: unknown
}

/** One wire format that clients speak. It never knows which upstream serves it. */
export interface Dialect<Wants> {
  id: string
  /** What `parse` notes of how the caller wants the answer worded, for reading it again. */
  wants: z.ZodType<Wants>
  /** The caller's key, where the wire format puts it. */
  apiKey(c: Context<App>): string | undefined
  /** Reads a request. Throws GatewayError. */
  parse(intake: Intake): Promise<Asked<Wants>>
  /** Words an answer; `link` makes a URL that shows the picture under a key. */
  render(record: ImageRecord, wants: Wants, link: (key: string) => string): Rendered
  /** Words an answer for whoever comes for it later, as one JSON value. */
  renderResult(record: ImageRecord, wants: Wants, link: (key: string) => string): Rendered
  begin(request: ImageRequest, wants: Wants): Beginning
  /** Words a failure, without its headers. */
  renderError: (failure: Failure, requestId: string) => Worded
}
