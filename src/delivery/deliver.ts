import type { AnswerStream } from '../dialects/dialect'
import type { ProgressEvent } from '../generation/subscribers'
import { remember } from '../generation/generations'
import { describe, log } from '../runtime/log'
import { type Answer, fromGeneration, fromCache, type Source } from './answer'
import { early, firstOf } from './early'
import { type DeliveryContext, renderContextFor } from './delivery-context'
import { failureOf } from './failure-response'
import { ProgressEvents } from './progress-events'
import { respondWithJob } from './respond-with-job'
import { answerHeaders, earlyHeaders } from './headers'
import { preferenceOf } from './preference'
import { type Ready, ready, whole } from './whole'

/** No proxy is known to cut a connection that was silent for no longer than this, in ms. */
const KEEP_ALIVE_MS = 15_000
/** Longer than it takes to hand a request off, in ms. */
const HAND_OFF_MS = 10_000

/**
 * Sends an answer the way its caller wants it: whole; begun early, where it comes in pieces or takes long; or, to whoever
 * does not want to wait so long, as word of where it will be. Throws GatewayError.
 */
export async function deliver<Options>(errand: DeliveryContext<Options>): Promise<Response> {
  const { c, dialect, options, told, count } = errand
  const { request } = told.ask.task
  const { waitMs, applied } = errand.job ? HANDED_OFF : preferenceOf(c.req.header('prefer'))
  if (waitMs === 0) return await respondWithJob(errand, applied)

  const stream = dialect.stream?.(request, options, renderContextFor(errand))
  const glimpses = new ProgressEvents(stream ? request.partials : 0, stream?.progress !== undefined)
  const source = sourceOf(errand, stream, waitMs)
  const cached = errand.mayServeFromCache ? await fromCache(source) : undefined
  if (cached) return inFull(errand, stream, cached)

  const answer = fromGeneration(source, glimpses.areWanted ? (glimpse) => glimpses.add(glimpse) : undefined)
  const { heartbeatAfterMs } = c.get('config')
  const everyMs = Math.min(KEEP_ALIVE_MS, heartbeatAfterMs ?? KEEP_ALIVE_MS)
  const patienceMs = waitMs ?? (stream ? everyMs : heartbeatAfterMs)
  const first = await firstOf({ glimpse: glimpses.arrival, answer }, patienceMs)
  if (first === 'answer') return inFull(errand, stream, await answer)
  if (first === 'silence' && waitMs !== undefined) return await respondWithJob(errand, applied)
  const { contentType, idle } = stream ?? WHITE_SPACE
  return early(
    {
      contentType,
      idle,
      opening: stream?.opening() ?? '',
      glimpses,
      everyMs,
      answer: answer.then((each) => {
        count(each)
        return each.ready
      }),
      show: (glimpse) => shown(stream, glimpse, c.env.IMAGES),
      excuse: (error) => excused(errand, stream, error),
    },
    earlyHeaders(told),
  )
}

/** A body that asks for nothing but word of its generation need not prefer it as well. */
const HANDED_OFF = { waitMs: 0, applied: undefined }

/** JSON may begin with it (RFC 8259 §2). */
const WHITE_SPACE = { contentType: 'application/json', idle: () => ' ' }

function sourceOf<Options>(
  errand: DeliveryContext<Options>,
  stream: AnswerStream | undefined,
  waitMs: number | undefined,
): Source {
  const { c, dialect, options, told } = errand
  // Whoever says how long it waits is not turned away before it is handed off.
  const patienceMs = waitMs === undefined ? told.ask.patienceMs : Math.max(told.ask.patienceMs, waitMs + HAND_OFF_MS)
  return {
    ask: { ...told.ask, patienceMs },
    c,
    word: ({ record }) => {
      if (!stream) return dialect.render(record, options, renderContextFor(errand))
      return { contentType: stream.contentType, parts: stream.close(record) }
    },
  }
}

function inFull<Options>(
  { told, count }: DeliveryContext<Options>,
  stream: AnswerStream | undefined,
  answer: Answer,
): Response {
  count(answer)
  return whole(answer.ready, answerHeaders(told, answer, Date.now()), stream?.opening())
}

/** A preview that was removed meanwhile, or that R2 does not give, is done without. */
async function shown(
  stream: AnswerStream | undefined,
  glimpse: ProgressEvent,
  bucket: R2Bucket,
): Promise<Ready | undefined> {
  if (!stream) return undefined
  const { contentType } = stream
  if ('percent' in glimpse) {
    const parts = [stream.progress?.(glimpse.percent) ?? stream.idle()]
    return await ready({ contentType, parts }, bucket, async () => {})
  }
  try {
    return await ready({ contentType, parts: stream.partial(glimpse) }, bucket, async () => {})
  } catch (error) {
    log('partial-not-shown', { key: glimpse.image.key, ...describe(error) })
    return undefined
  }
}

/** A failure in a stream's own words, or in those of an answer; where there are none, whoever asks again is told. */
async function excused<Options>(
  { c, dialect, options, told }: DeliveryContext<Options>,
  stream: AnswerStream | undefined,
  error: unknown,
): Promise<string | undefined> {
  const failure = failureOf(error, told.requestId)
  if (stream) return stream.failure(failure)
  const { status, text } = dialect.renderError(failure, told.requestId, options, told.ask.task.id)
  // The status that has gone out.
  if (status === 200) return text
  await remember(c.env.GENERATIONS, told.ask.task, failure)
  return undefined
}
