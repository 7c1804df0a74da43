import type * as z from 'zod'
import type { Failure } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import type { AnswerStream, RenderedAnswer } from './dialect'
import type { RenderContext } from './render-context'

/** The state of an answer that its client asks for by an id; its record once it is made. */
export interface KeptAnswer {
  snapshot: Snapshot
  record?: ImageRecord | undefined
}

/** The statuses of an answer without a picture, in the words of every such API. */
const KEPT_STATUS = { queued: 'queued', running: 'in_progress', failed: 'failed', cancelled: 'cancelled' } as const
type KeptStatus = (typeof KEPT_STATUS)[keyof typeof KEPT_STATUS]

/** The answers of a dialect that clients ask for by their ids. */
export interface KeptAnswers<Options> {
  options: z.ZodType<Options>
  /** The reference in an id; empty, which no picture has, for another form. */
  referenceOf: (id: string) => string
  /** The parameter of a query that names the last event of the client by its number. */
  lastEvent: string
  render: (record: ImageRecord, options: Options, context: RenderContext) => RenderedAnswer
  /** An answer without a picture; `failure` is set for a failed one. */
  renderStatus: (
    status: KeptStatus,
    failure: Failure | undefined,
    options: Options,
    context: RenderContext,
  ) => Record<string, unknown>
  stream: (snapshot: Snapshot, options: Options, context: RenderContext, after: number | undefined) => AnswerStream
  /** The previews of a stream. */
  previews: (options: Options) => number
  /** The answer to a deletion. */
  deleted: (id: string) => Record<string, unknown>
  unknown: (id: string) => Failure
  /** The failure of an answer without its picture. */
  gone: Failure
  /** The refusal of a deletion before the end. */
  stillRunning: Failure
}

/** Renders an answer in its state of today; undefined if its picture is no longer kept. */
export function renderKept<Options>(
  { render, renderStatus }: KeptAnswers<Options>,
  { snapshot, record }: KeptAnswer,
  options: Options,
  context: RenderContext,
): RenderedAnswer | undefined {
  if (record) return render(record, options, context)
  const { status } = snapshot
  if (status === 'succeeded') return undefined
  const failure = status === 'failed' ? failureOfKept(snapshot) : undefined
  const json = renderStatus(KEPT_STATUS[status], failure, options, context)
  return { contentType: 'application/json', parts: [JSON.stringify(json)] }
}

/** The failure of an answer that ended without a picture. */
export function failureOfKept({ failure }: Snapshot): Failure {
  if (failure && ('message' in failure || 'refusal' in failure)) return failure
  return { code: failure?.code ?? 'internal', message: 'The picture could not be made. Send the request again.' }
}
