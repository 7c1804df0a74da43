import type { Failure } from '../runtime/errors'
import { ProviderError, type ProviderErrorKind } from '../providers/provider'
import type { Unavailability } from './health'

/** For an upstream that does not say how long it wants to be left alone, or has all seats taken, in ms. */
const DEFAULT_WAIT_MS = 5000

/** Sooner is not worth asking again whoever has not said so itself, in ms. */
const MIN_WAIT_MS = 1000

/** Which of several failures tells the caller most about what to do. */
const TELLING: readonly ProviderErrorKind[] = ['rejected', 'lost', 'throttled', 'unavailable', 'misconfigured']

/** What the caller is told where nobody served a request: of those who failed, and of those who were not asked. */
export function routeFailure(
  errors: readonly ProviderError[],
  obstacles: readonly Unavailability[],
  nowMs: number,
): Failure {
  const rank = ({ kind }: ProviderError): number => TELLING.indexOf(kind)
  const [worst] = errors.toSorted((a, b) => rank(a) - rank(b))
  if (worst && rank(worst) < TELLING.indexOf('throttled')) return failureOf(worst)
  const waits = [
    ...errors.flatMap(({ kind, facts }) => (kind === 'throttled' ? (facts.retryAfterMs ?? DEFAULT_WAIT_MS) : [])),
    ...obstacles.filter(isOverByItself).map((obstacle) => waitOf(obstacle, nowMs)),
  ]
  if (waits.length > 0) return { ...AT_REST, retryAfterMs: Math.ceil(Math.min(...waits)) }
  return worst ? failureOf(worst) : NO_UPSTREAM
}

/** A model that is out of an account's reach will not be within it by waiting. */
const isOverByItself = ({ hindrance, untilMs }: Unavailability): boolean =>
  untilMs !== Infinity && hindrance !== 'without-model'

/** Of seats it is only known when they are free at the latest. */
const waitOf = ({ hindrance, untilMs }: Unavailability, nowMs: number): number =>
  Math.max(MIN_WAIT_MS, Math.min(untilMs - nowMs, hindrance === 'full' ? DEFAULT_WAIT_MS : Infinity))

const NO_UPSTREAM: Failure = {
  code: 'no_upstream',
  message: 'No upstream can serve this model until its operator mends something. Ask for another model, or try later.',
  retry: false,
}

const AT_REST: Failure = {
  code: 'no_upstream',
  message: 'Every upstream for this model is at its limit or out of order. Wait as long as retry-after says.',
}

/** What the caller is told of an upstream's failure. */
function failureOf({ kind, facts }: ProviderError): Failure {
  if (kind === 'rejected')
    return facts.failure ?? { code: 'invalid_request', message: 'The upstream refused the request as it is.' }
  if (kind === 'lost') return facts.code === 'timed_out' ? TIMED_OUT : LOST
  return kind === 'misconfigured' ? (facts.failure ?? NO_UPSTREAM) : UPSTREAM_FAILED
}

const UPSTREAM_FAILED: Failure = {
  code: 'upstream_failed',
  message: 'The upstream failed to make the image. Try again.',
}

/** The upstream may have made and billed the image all the same, so that asking again is for the caller to decide. */
const TIMED_OUT: Failure = {
  code: 'timed_out',
  message: 'The upstream did not finish in time. Try again, perhaps with a smaller size or a lower quality.',
  retry: false,
}

const LOST: Failure = {
  code: 'upstream_failed',
  message: 'The upstream may have made the image, but its answer could not be read. Try again later.',
  retry: false,
}
