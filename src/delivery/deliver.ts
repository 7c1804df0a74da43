import { linkOf } from '../context'
import type { Beginning } from '../dialects/dialect'
import { remember } from '../generation/obtain'
import type { PartialImage } from '../image/record'
import { describe, log } from '../log'
import { type Answer, answered, recalled, type Source } from './answer'
import { early, firstOf } from './early'
import type { Errand } from './errand'
import { excuse } from './failure'
import { handOff } from './hand-off'
import { answerHeaders, earlyHeaders } from './headers'
import { preferenceOf } from './preference'
import { Previews } from './previews'
import { type Ready, ready, whole } from './whole'

/** No proxy is known to cut a connection that was silent for no longer than this, in ms. */
const KEEP_ALIVE_MS = 15_000
/** Longer than it takes to hand a request off, in ms. */
const HAND_OFF_MS = 10_000

/**
 * Sends an answer the way its caller wants it: whole; begun early, where it comes in pieces or takes long; or, to whoever
 * does not want to wait so long, as word of where it will be. Throws GatewayError.
 */
export async function deliver<Wants>(errand: Errand<Wants>): Promise<Response> {
  const { c, dialect, wants, told, count } = errand
  const { request } = told.ask.task
  const { waitMs, applied } = preferenceOf(c.req.header('prefer'))
  if (waitMs === 0) return await handOff(errand, applied)

  const source = sourceOf(errand, waitMs)
  const near = errand.isNearEnough ? await recalled(source) : undefined
  if (near) return inFull(errand, near)

  const beginning = dialect.begin(request, wants)
  const previews = new Previews(beginning.stream ? request.partials : 0)
  const answer = answered(source, previews.isWanted ? (partial) => previews.add(partial) : undefined)
  const { heartbeatAfterMs } = c.get('config')
  const everyMs = Math.min(KEEP_ALIVE_MS, heartbeatAfterMs ?? KEEP_ALIVE_MS)
  const patienceMs = waitMs ?? (beginning.stream ? everyMs : heartbeatAfterMs)
  const first = await firstOf({ preview: previews.arrival, answer }, patienceMs)
  if (first === 'answer') return inFull(errand, await answer)
  if (first === 'silence' && waitMs !== undefined) return await handOff(errand, applied)
  return early(
    {
      beginning,
      previews,
      everyMs,
      answer: answer.then((each) => {
        count(each)
        return each.ready
      }),
      show: (partial) => shown(beginning, partial, c.env.IMAGES),
      excuse: (error) => excused(errand, beginning, error),
    },
    earlyHeaders(told),
  )
}

function sourceOf<Wants>({ c, dialect, wants, told }: Errand<Wants>, waitMs: number | undefined): Source {
  // Whoever says how long it waits is not turned away before it is handed off.
  const patienceMs = waitMs === undefined ? told.ask.patienceMs : Math.max(told.ask.patienceMs, waitMs + HAND_OFF_MS)
  const ask = { ...told.ask, patienceMs }
  return { ask, c, word: ({ record }) => dialect.render(record, wants, linkOf(c)) }
}

function inFull<Wants>({ told, count }: Errand<Wants>, answer: Answer): Response {
  count(answer)
  return whole(answer.ready, answerHeaders(told, answer, Date.now()))
}

/** A preview that was removed meanwhile, or that R2 does not give, is done without. */
async function shown(
  { contentType, stream }: Beginning,
  partial: PartialImage,
  bucket: R2Bucket,
): Promise<Ready | undefined> {
  try {
    return stream && (await ready({ contentType, parts: stream.partial(partial) }, bucket, async () => {}))
  } catch (error) {
    log('partial-not-shown', { key: partial.image.key, ...describe(error) })
    return undefined
  }
}

/** A failure in a stream's own words; where there are none, whoever asks again is told. */
async function excused<Wants>(
  { c, dialect, told }: Errand<Wants>,
  { stream }: Beginning,
  error: unknown,
): Promise<string | undefined> {
  const { failure, worded } = excuse(error, dialect.renderError, told.requestId)
  if (!stream) await remember(c.env.GENERATIONS, told.ask.task, failure)
  return stream?.failure(worded)
}
