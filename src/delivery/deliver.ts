import type { Config } from '../config'
import type { AnswerStream } from '../dialects/dialect'
import type { ProgressEvent } from '../generation/clients'
import { remember } from '../generation/generations'
import { describe, log } from '../runtime/log'
import type { Answer, PendingAnswer } from './answer'
import type { DeliveryContext } from './delivery-context'
import { early, firstOf } from './early'
import { failureOf } from './failure-response'
import { answerHeaders, earlyHeaders } from './headers'
import { respondWithJob } from './respond-with-job'
import { fromBucket } from './open-picture'
import { type Ready, ready, whole } from './whole'

/** The longest silence on a connection, in ms; no proxy is known to cut one after that. */
const KEEP_ALIVE_MS = 15_000

/** The longest silence of a stream, in ms. */
export const silenceMs = ({ heartbeatAfterMs }: Pick<Config, 'heartbeatAfterMs'>): number =>
  Math.min(KEEP_ALIVE_MS, heartbeatAfterMs ?? KEEP_ALIVE_MS)

/** White space may precede a JSON value (RFC 8259 §2). */
const WHITE_SPACE = { contentType: 'application/json', idle: () => ' ' }

/** Sends a finished answer in one response. */
export function deliverWhole({ meta, stream, count }: DeliveryContext, answer: Answer): Response {
  count(answer)
  return whole(answer.ready, answerHeaders(meta, answer, Date.now()), stream?.opening())
}

/**
 * Sends an answer in the making. An answer in time is sent whole. A late one begins as a response, or becomes a 202 for a
 * client with `Prefer: wait`. Throws GatewayError.
 */
export async function deliver(delivery: DeliveryContext, { answer, events }: PendingAnswer): Promise<Response> {
  const { c, meta, stream, count, preference } = delivery
  const { waitMs } = preference
  const { heartbeatAfterMs } = c.get('config')
  const everyMs = silenceMs(c.get('config'))
  const patienceMs = waitMs ?? (stream ? everyMs : heartbeatAfterMs)
  const first = await firstOf({ event: events.arrival, answer }, patienceMs)
  if (first === 'answer') return deliverWhole(delivery, await answer)
  if (first === 'silence' && waitMs !== undefined) return await respondWithJob(delivery)
  const { contentType, idle } = stream ?? WHITE_SPACE
  return early(
    {
      contentType,
      idle,
      opening: stream?.opening() ?? '',
      events,
      everyMs,
      answer: answer.then((each) => {
        count(each)
        return each.ready
      }),
      show: (event) => readyEvent(stream, event, c.env.IMAGES),
      renderFailure: (error) => lateFailure(delivery, error),
    },
    earlyHeaders(meta),
  )
}

/** Renders a progress event. A preview that R2 no longer has is left out. */
export async function readyEvent(
  stream: AnswerStream | undefined,
  event: ProgressEvent,
  bucket: R2Bucket,
): Promise<Ready | undefined> {
  if (!stream) return undefined
  const { contentType } = stream
  if ('percent' in event) {
    const parts = [stream.progress?.(event.percent) ?? stream.idle()]
    return await ready({ contentType, parts }, fromBucket(bucket), async () => {})
  }
  try {
    return await ready({ contentType, parts: stream.partial(event) }, fromBucket(bucket), async () => {})
  } catch (error) {
    log('partial-not-shown', { key: event.image.key, ...describe(error) })
    return undefined
  }
}

/**
 * Renders a failure into a stream or body that has begun. If the status already sent forbids that, the Generation object
 * stores the failure for the retry.
 */
async function lateFailure(
  { c, meta, stream, renderError }: DeliveryContext,
  error: unknown,
): Promise<string | undefined> {
  const failure = failureOf(error, meta.requestId)
  if (stream) return stream.failure(failure)
  const { status, text } = renderError(failure)
  // The status already sent is 200.
  if (status === 200) return text
  await remember(c.env.GENERATIONS, meta.generate.task, failure)
  return undefined
}
