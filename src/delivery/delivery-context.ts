import type { Context } from 'hono'
import type { App } from '../context'
import type { AnswerStream, Dialect, JobRequest, RenderedAnswer, RenderedError } from '../dialects/dialect'
import type { JobForm } from '../dialects/job-form'
import { renderContextOf } from '../dialects/render-context'
import type { Obtained } from '../generation/task'
import type { ImageRecord } from '../image/record'
import type { Failure } from '../failures/errors'
import type { ResponseMeta } from './headers'
import { type Preference, preferenceOf } from './preference'

/** A parsed and fitted request, and the way of its answer. */
export interface DeliveryContext {
  c: Context<App>
  meta: ResponseMeta
  preference: Preference
  /** Renders the answer in pieces; undefined when the client takes one JSON value. */
  stream: AnswerStream | undefined
  render: (record: ImageRecord) => RenderedAnswer
  renderError: (failure: Failure) => RenderedError
  /** The wording of the result, for a later request. */
  jobForm: () => JobForm
  /** The dialect's own body for a 202; undefined unless the request body asked for a job. */
  renderJob: (record: ImageRecord | undefined) => unknown
  /** Counts the answer for its team. */
  count: (answer: Obtained) => void
}

/** A body that asks for a job needs no Prefer header. */
const JOB_PREFERENCE: Preference = { waitMs: 0, applied: undefined }

/** The client of a followed job may read its stream at once. */
const STREAM_PREFERENCE: Preference = { waitMs: undefined, applied: undefined }

function preferenceFor(job: JobRequest | undefined, isStream: boolean, c: Context<App>): Preference {
  if (!job) return preferenceOf(c.req.header('prefer'))
  return job.isFollowed && isStream ? STREAM_PREFERENCE : JOB_PREFERENCE
}

/** Prepares the delivery of an answer in the words of a dialect. `job` is set for a request body that asks for a job. */
export function deliveryFor<Options>(
  dialect: Dialect<Options>,
  options: Options,
  { c, job, meta, count }: Pick<DeliveryContext, 'c' | 'meta' | 'count'> & { job: JobRequest | undefined },
): DeliveryContext {
  const { generate, requestId, startedMs } = meta
  const { id: generation, payer, request } = generate.task
  const context = renderContextOf({ team: payer.team, generation, requestId, startedMs, prompt: request.prompt }, c)
  const stream = dialect.stream?.(request, options, context)
  return {
    c,
    meta,
    count,
    stream,
    preference: preferenceFor(job, stream !== undefined, c),
    render: (record) =>
      stream
        ? { contentType: stream.contentType, parts: stream.close(record) }
        : dialect.render(record, options, context),
    renderError: (failure) => dialect.renderError(failure, requestId, options, generation),
    jobForm: () => ({ dialect: dialect.id, wants: JSON.stringify(options) }),
    renderJob: (record) => job && dialect.renderJob?.(context, options, record),
  }
}
