import { forget, hangUp, obtain } from '../generation/generations'
import type { OnProgress, ProgressEvent } from '../generation/clients'
import { mayBeShared } from '../generation/progress'
import type { GenerateOptions, Obtained } from '../generation/task'
import { type Failure, GatewayError } from '../failures/errors'
import { getRecord, noteMade } from '../store/records'
import { StoreError } from '../store/retries'
import type { DeliveryContext } from './delivery-context'
import { ProgressEvents } from './progress-events'
import { endFresh } from './end-fresh'
import { fromBucket, fromEdge } from './open-picture'
import { type Ready, ready } from './whole'

/** An answer with its origin, ready to be sent. */
export interface Answer extends Obtained {
  ready: Ready
}

/** An answer in the making, and what the client can see of it meanwhile. */
export interface PendingAnswer {
  answer: Promise<Answer>
  events: ProgressEvents
}

/**
 * Looks a finished generation up in KV, without a call of its object. Undefined for a record that is missing or too old,
 * or without its images. Throws GatewayError.
 */
export async function answerFromCache(delivery: DeliveryContext): Promise<Answer | undefined> {
  const { c, meta } = delivery
  const { generate } = meta
  const record = await getRecord(c.env, generate.task.id)
  return record && record.createdMs >= generate.madeSinceMs
    ? await answerReady(delivery, { record, origin: 'HIT' })
    : undefined
}

/** Longer than it takes to turn a waiting request into a job, in ms. */
const JOB_MARGIN_MS = 10_000

/** Asks the Generation object. The answer rejects with GatewayError. */
export function answerFromGeneration(delivery: DeliveryContext): PendingAnswer {
  const { meta, stream, preference } = delivery
  const { generate } = meta
  const events = new ProgressEvents(stream ? generate.task.request.partials : 0, stream?.progress !== undefined)
  const { waitMs } = preference
  // A request with `Prefer: wait` becomes a job before its patience ends.
  const patienceMs = waitMs === undefined ? generate.patienceMs : Math.max(generate.patienceMs, waitMs + JOB_MARGIN_MS)
  return { answer: untilHangUp(delivery, obtained(delivery, { ...generate, patienceMs }, events)), events }
}

/** Waits for an answer. If the client hangs up meanwhile, the Generation object hears of it, and perhaps the team. */
async function untilHangUp(delivery: DeliveryContext, answer: Promise<Answer>): Promise<Answer> {
  const { c, meta } = delivery
  const { signal } = c.req.raw
  const hungUp = (): void => {
    endFresh(delivery, 'left')
    c.executionCtx.waitUntil(hangUp(c.env.GENERATIONS, meta.generate.task))
  }
  signal.addEventListener('abort', hungUp)
  try {
    const answered = await answer
    if (!signal.aborted) endFresh(delivery, 'answered')
    return answered
  } catch (error) {
    // An image that was made and cannot be read is not bought again.
    if (!signal.aborted) endFresh(delivery, error instanceof StoreError ? 'left' : 'failed')
    throw error
  } finally {
    signal.removeEventListener('abort', hungUp)
  }
}

/** Asks the object, and has this isolate serve a new answer in place of an older one. */
async function obtainFrom(env: Env, generate: GenerateOptions, onProgress: OnProgress | undefined): Promise<Obtained> {
  const answer = await obtain(env.GENERATIONS, generate, onProgress)
  if (answer.origin !== 'HIT' && mayBeShared(answer.record, generate.task)) noteMade(env, answer.record)
  return answer
}

/** Asks a second time for an answer without its images; the object then makes them anew. */
async function obtained(delivery: DeliveryContext, generate: GenerateOptions, events: ProgressEvents): Promise<Answer> {
  const { c } = delivery
  const onProgress = events.areWanted ? (event: ProgressEvent): void => events.add(event) : undefined
  const first = await obtainFrom(c.env, generate, onProgress)
  const answer = await answerReady(delivery, first).catch((error: unknown) => {
    throw isBoughtForOne(delivery, first) && error instanceof StoreError
      ? new GatewayError(NOT_READABLE, { cause: error })
      : error
  })
  if (answer) return answer
  const madeSinceMs = first.record.createdMs + 1
  const second = await obtainFrom(c.env, { ...generate, madeSinceMs }, onProgress)
  const remade = await answerReady(delivery, second)
  if (remade) return remade
  throw new GatewayError(IMAGE_GONE)
}

/** Whether a retry would buy the answer again: it is not served from the cache, and no Idempotency-Key names it. */
const isBoughtForOne = ({ meta: { freshness, generate } }: DeliveryContext, { origin }: Obtained): boolean =>
  origin === 'MISS' && !freshness.use && generate.keepMs === 0

const NOT_READABLE: Failure = {
  code: 'unavailable',
  message: 'The image was made, but the gateway cannot read it now. A retry would buy it again.',
  retry: false,
}

async function answerReady({ render, c }: DeliveryContext, answer: Obtained): Promise<Answer | undefined> {
  const onMissing = (key: string): Promise<boolean> => forget(c.env, key)
  // The images of a new answer have no copies yet, and it may be the only one.
  const open = answer.origin === 'HIT' ? fromEdge(c) : fromBucket(c.env.IMAGES)
  const rendered = await ready(render(answer.record), open, onMissing)
  return rendered && { ...answer, ready: rendered }
}

const IMAGE_GONE: Failure = {
  code: 'unavailable',
  message: 'The image was made but cannot be found. Try again in a moment.',
  retryAfterMs: 2000,
}
