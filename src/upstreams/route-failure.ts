import type { Failure } from '../failures/errors'
import type { ProviderErrorKind } from '../providers/provider'
import type { Unavailability, UnavailabilityReason } from './health'
import type { CallFailure } from './route-history'

/** The wait for an upstream without a `retry-after`, or with all slots in use, in ms. */
const DEFAULT_WAIT_MS = 5000

/** The shortest wait that an upstream did not name itself, in ms. */
const MIN_WAIT_MS = 1000

/** The kinds of errors, the most telling for the client first. */
const BY_IMPORTANCE: readonly ProviderErrorKind[] = ['rejected', 'lost', 'throttled', 'unavailable', 'misconfigured']

/** The failure of a request that no candidate served: by their errors and their unavailability. */
export function routeFailure(
  errors: readonly CallFailure[],
  unavailabilities: readonly Unavailability[],
  nowMs: number,
): Failure {
  const rank = ({ kind }: CallFailure): number => BY_IMPORTANCE.indexOf(kind)
  const [worst] = errors.toSorted((a, b) => rank(a) - rank(b))
  if (worst && rank(worst) < BY_IMPORTANCE.indexOf('throttled')) return failureOfUpstreamError(worst)
  const waits = [
    ...errors.flatMap(({ kind, facts }) => (kind === 'throttled' ? (facts.retryAfterMs ?? DEFAULT_WAIT_MS) : [])),
    ...unavailabilities.filter(isOverByItself).map((unavailability) => waitOf(unavailability, nowMs)),
  ]
  if (waits.length > 0) return { ...ALL_UNAVAILABLE, retryAfterMs: Math.ceil(Math.min(...waits)) }
  const unusable = errors.filter(({ facts }) => facts.isUnusable)
  if (worst?.kind === 'unavailable' && unusable.length > 0)
    return unusable.some(({ facts }) => facts.scope === 'request') ? UNUSABLE : WEB_PAGE
  return worst ? failureOfUpstreamError(worst) : NO_UPSTREAM
}

/** Reasons that a wait does not end: an operator has to act, or the account lacks the model. */
const LASTING: readonly UnavailabilityReason[] = ['out', 'disabled', 'misplaced', 'without-model']

const isOverByItself = ({ reason }: Unavailability): boolean => !LASTING.includes(reason)

/** `untilMs` of a full account is only the latest end of a slot. */
const waitOf = ({ reason, untilMs }: Unavailability, nowMs: number): number =>
  Math.max(MIN_WAIT_MS, Math.min(untilMs - nowMs, reason === 'full' ? DEFAULT_WAIT_MS : Infinity))

const NO_UPSTREAM: Failure = {
  code: 'no_upstream',
  message: 'No upstream can serve this model until its operator mends something. Ask for another model, or try later.',
  retry: false,
}

const ALL_UNAVAILABLE: Failure = {
  code: 'no_upstream',
  message: 'Every upstream for this model is at its limit or out of order. Wait as long as retry-after says.',
}

/** The failure for the error of an upstream. */
function failureOfUpstreamError({ kind, facts }: CallFailure): Failure {
  if (kind === 'rejected')
    return facts.failure ?? { code: 'invalid_request', message: 'The upstream refused the request as it is.' }
  if (kind === 'lost') return facts.failure ?? (facts.code === 'timed_out' ? TIMED_OUT : LOST)
  return kind === 'misconfigured' ? (facts.failure ?? NO_UPSTREAM) : UPSTREAM_FAILED
}

const UPSTREAM_FAILED: Failure = {
  code: 'upstream_failed',
  message: 'The upstream failed to make the image. Try again.',
}

/** The upstream may have made and billed the image, so the caller decides about another try. */
const TIMED_OUT: Failure = {
  code: 'timed_out',
  message: 'The upstream did not finish in time. Try again, perhaps with a smaller size or a lower quality.',
  retry: false,
}

/** A retry would buy the same answer again. */
const UNUSABLE: Failure = {
  code: 'upstream_failed',
  message: 'The upstream answered without an image. Change the prompt, or try again later.',
  retry: false,
}

/** A page of a proxy says nothing of the request. */
const WEB_PAGE: Failure = {
  code: 'upstream_failed',
  message: 'The upstream answered with a web page in place of an image. Try again later.',
  retry: false,
}

const LOST: Failure = {
  code: 'upstream_failed',
  message: 'The upstream may have made the image, but its answer could not be read. Try again later.',
  retry: false,
}
