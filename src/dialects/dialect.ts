import type * as z from 'zod'
import type { Adjustment } from '../catalog/fit'
import type { Failure } from '../failures/errors'
import type { ImageRequest, ImageRequestOf } from '../image/request'
import type { ImageRecord, PartialImage, StoredImage } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import type { Intake } from './intake'
import type { PictureSource } from './picture-source'
import type { RenderContext } from './render-context'

/** A request in the terms of the core. */
export interface ParsedRequest<Options> {
  request: ImageRequestOf<PictureSource>
  /** Translations that the dialect made. */
  adjustments: Adjustment[]
  /** Options of the answer as plain data; only the dialect reads them. */
  options: Options
  /** Set if the body asks for a job, so that the answer names its place only. */
  job?: JobRequest
}

/** A job that a body asks for. */
export interface JobRequest {
  /** A URL that receives the result in the dialect's own words; `param` is the parameter of the body. */
  webhook?: { url: string; param: string }
  /** Whether the client asks for the answer by an id of the request's own. */
  isFollowed?: true
}

/** Text, or a function for text that depends on earlier output. */
export type AnswerText = string | (() => string)

/** A piece of an answer; a picture stands for its own base64. */
export type AnswerPart = AnswerText | StoredImage

/** An answer as text with pictures in it. */
export interface RenderedAnswer {
  contentType: string
  parts: AnswerPart[]
}

/** An answer in pieces for one request; earlier pieces decide later ones. */
export interface AnswerStream {
  contentType: string
  /** Comes first, made when it is sent: `close` may run before it, even more than once. */
  opening: () => string
  /** An empty message that keeps the connection open. */
  idle: () => string
  /** The progress in whole percent; missing if the wire format has no such message. */
  progress?: (percent: number) => string
  partial: (partial: PartialImage) => AnswerPart[]
  /** The answer to its end. */
  close: (record: ImageRecord) => AnswerPart[]
  /** The end of a stream that fails after its beginning. */
  failure: (failure: Failure) => string
}

/** A failure in the words of a dialect, with the dialect's own status. */
export interface RenderedError {
  status: number
  contentType: string
  text: string
}

export const renderedJson = (status: number, body: unknown): RenderedError => ({
  status,
  contentType: 'application/json',
  text: JSON.stringify(body),
})

/** Requests for text models on the route of a dialect. */
export interface TextRoute {
  /** The path below the base URL of an upstream. */
  path: string
  /** The fields that limit the tokens of an answer; the route knows no others. */
  limitedBy: readonly string[]
  /**
   * Whether a request is for a text model. In `fields`, ordinals replace all texts but `model`, `tool_choice` and a few
   * short ones, such as the types of `tools`. `isImageModel` knows the names of image models.
   */
  isText: (fields: Record<string, unknown>, isImageModel: (name: string) => boolean) => boolean
  /**
   * The answer in words to a request for an image model that wants no picture; undefined if it wants one. `texts` are
   * the beginnings of its first and its last message.
   */
  inWords?: (
    fields: Record<string, unknown>,
    texts: readonly string[],
    request: AnsweredRequest,
  ) => WordedAnswer | undefined
  /** The refusal of a request that is not passed on. */
  refusal?: (fields: Record<string, unknown>) => Failure | undefined
}

/** The request of an answer in words. */
export type AnsweredRequest = Pick<RenderContext, 'requestId' | 'startedMs'>

/** An answer without a picture. */
export type WordedAnswer = Omit<RenderedError, 'status'>

/** A wire format of clients; it never knows the upstream behind an answer. */
export interface Dialect<Options> {
  id: string
  /** The schema of the answer's options, for jobs that outlive the request. */
  options: z.ZodType<Options>
  text?: TextRoute
  /** Reads a request. Throws GatewayError. */
  parse(intake: Intake): Promise<ParsedRequest<Options>>
  /** Renders an answer as one JSON value. */
  render(record: ImageRecord, options: Options, context: RenderContext): RenderedAnswer
  /** Renders an answer in pieces; undefined if the options ask for a whole one. */
  stream?(request: ImageRequest, options: Options, context: RenderContext): AnswerStream | undefined
  /** Renders the answer to a body that asks for a job; `record` is a picture made before. */
  renderJob?(context: RenderContext, options: Options, record: ImageRecord | undefined): unknown
  /** Renders the state of a generation for the webhook of a body; undefined if the dialect reports no such state. */
  renderNotice?(snapshot: Snapshot, options: Options, context: RenderContext): unknown
  /**
   * Renders a failure without headers. `options` are missing for an unreadable body, `generation` before a generation
   * exists.
   */
  renderError: (failure: Failure, requestId: string, options?: Options, generation?: string) => RenderedError
}
