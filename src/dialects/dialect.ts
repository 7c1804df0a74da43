import type { Context } from 'hono'
import type { Adjustment } from '../catalog/fit'
import type { App } from '../context'
import type { Failure } from '../errors'
import type { ImageRequest } from '../image/request'
import type { ImageRecord, StoredImage } from '../image/record'
import type { Intake } from './intake'

/** A request in our own terms. */
export interface Asked<Wants> {
  request: ImageRequest
  /** What the dialect itself had to translate. */
  adjustments: Adjustment[]
  /** How the caller wants the answer worded; plain data, known to the dialect only. */
  wants: Wants
}

/** An answer as text with pictures in it: each of those stands for its own base64. */
export interface Rendered {
  contentType: string
  parts: (string | StoredImage)[]
}

/** A failure in the words of a dialect, which may know its status by another number than ours. */
export interface Worded {
  status: number
  body: unknown
}

/** One wire format that clients speak. It never knows which upstream serves it. */
export interface Dialect<Wants> {
  id: string
  /** The caller's key, where the wire format puts it. */
  apiKey(c: Context<App>): string | undefined
  /** Reads a request. Throws GatewayError. */
  parse(intake: Intake): Promise<Asked<Wants>>
  /** Words an answer; `link` makes a URL that shows the picture under a key. */
  render(record: ImageRecord, wants: Wants, link: (key: string) => string): Rendered
  /** Words a failure, without its headers. */
  renderError: (failure: Failure, requestId: string) => Worded
}
