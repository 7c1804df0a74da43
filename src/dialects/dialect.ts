import type { Context } from 'hono'
import type * as z from 'zod'
import type { Adjustment } from '../catalog/fit'
import type { App } from '../context'
import type { Failure } from '../runtime/errors'
import type { ImageRequest } from '../image/request'
import type { ImageRecord, PartialImage, StoredImage } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import type { Intake } from './intake'
import type { RenderContext } from './render-context'

/** A request in our own terms. */
export interface ParsedRequest<Options> {
  request: ImageRequest
  /** What the dialect itself had to translate. */
  adjustments: Adjustment[]
  /** How the caller wants the answer worded; plain data, known to the dialect only. */
  options: Options
  /** Set where the body asks for nothing but word of where the answer will be. */
  job?: JobRequest
}

/** How the end of a generation is told to whoever does not wait for it, where the body says so. */
export interface JobRequest {
  /** A URL that hears of it in the dialect's own words, and the parameter that named it. */
  webhook?: { url: string; param: string }
}

/** Text, made as it is sent where it depends on what was said before it. */
export type AnswerText = string | (() => string)

/** A piece of an answer: text, or a picture, which stands for its own base64. */
export type AnswerPart = AnswerText | StoredImage

/** An answer as text with pictures in it. */
export interface RenderedAnswer {
  contentType: string
  parts: AnswerPart[]
}

/** An answer in pieces, made for one request: what it has said already decides what it says next. */
export interface AnswerStream {
  contentType: string
  /** What comes before all else, told when it is sent: `close` may have been asked before that, also more than once. */
  opening: () => string
  /** Says nothing, and keeps the connection from being taken for dead. */
  idle: () => string
  /** Tells how far it is, in whole percent; missing where the wire format has no words for that. */
  progress?: (percent: number) => string
  partial: (partial: PartialImage) => AnswerPart[]
  /** The answer itself, to the end. */
  close: (record: ImageRecord) => AnswerPart[]
  /** The end of one that failed after it had begun. */
  failure: (failure: Failure) => string
}

/** A failure in the words of a dialect, which may know its status by another number than ours. */
export interface RenderedError {
  status: number
  contentType: string
  text: string
}

/** A failure as JSON. */
export const renderedJson = (status: number, body: unknown): RenderedError => ({
  status,
  contentType: 'application/json',
  text: JSON.stringify(body),
})

/** How the requests for text models that come by the same route are told from those for images, and where they go. */
export interface TextRoute {
  /** Under an upstream's base URL. */
  path: string
  /** The fields that limit how many tokens an answer has; others are not known there, and may be passed over. */
  limitedBy: readonly string[]
  /**
   * Whether a request is for a text model, by its fields without their long texts: ordinals stand for all but `model`,
   * `tool_choice` and the types of `tools`. `isImageModel` knows the names.
   */
  isText: (fields: Record<string, unknown>, isImageModel: (name: string) => boolean) => boolean
  /** Whether a text model may make images as well by itself, by the same fields. */
  mayMakeImages?: (fields: Record<string, unknown>) => boolean
}

/** One wire format that clients speak. It never knows which upstream serves it. */
export interface Dialect<Options> {
  id: string
  /** What `parse` notes of how the caller wants the answer worded, for reading it again. */
  options: z.ZodType<Options>
  /** The caller's key, where the wire format puts it. */
  apiKey(c: Context<App>): string | undefined
  text?: TextRoute
  /** Reads a request. Throws GatewayError. */
  parse(intake: Intake): Promise<ParsedRequest<Options>>
  /** Words an answer as one JSON value. */
  render(record: ImageRecord, options: Options, context: RenderContext): RenderedAnswer
  /** Words an answer in pieces, where the caller wants it so. */
  stream?(request: ImageRequest, options: Options, context: RenderContext): AnswerStream | undefined
  /** Words that a request was handed off, where its body asked for that. */
  renderJob?(context: RenderContext, options: Options): unknown
  /** Words for the webhook that its body named how a generation ended, or stands; undefined where that is not told. */
  renderNotice?(snapshot: Snapshot, options: Options, context: RenderContext): unknown
  /**
   * Words a failure, without its headers. What the caller wants is not known of a request that could not be read; nor is
   * there a generation, by its id, of one that was refused.
   */
  renderError: (failure: Failure, requestId: string, options?: Options, generation?: string) => RenderedError
}
