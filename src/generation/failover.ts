import { type Failure, type Result, failed, ok } from '../errors'
import { ProviderError, type ProviderErrorKind } from '../providers/provider'
import type { Candidate } from '../upstreams/choose'

/** How often a request may be paid for when its first answer could not be read. */
const MAX_LOST = 2

/**
 * Tries one candidate after the other until one succeeds or the request itself is at fault. What was paid for and lost
 * is tried once more: at the next candidate, or, unless it took all its time, at the same one where there is no other.
 * Throws what is no ProviderError.
 */
export async function failover<T>(
  candidates: readonly Candidate[],
  attempt: (candidate: Candidate) => Promise<T>,
  onFailure: (candidate: Candidate, error: ProviderError) => void,
): Promise<Result<T>> {
  const errors: ProviderError[] = []
  const queue = [...candidates]
  for (let candidate = queue.shift(); candidate; candidate = queue.shift()) {
    try {
      return ok(await attempt(candidate))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      onFailure(candidate, error)
      errors.push(error)
      if (error.kind === 'rejected') break
      if (countLost(errors) === MAX_LOST) break
      if (error.kind === 'lost' && error.facts.code !== 'timed_out' && queue.length === 0) queue.push(candidate)
    }
  }
  return failed(verdict(errors))
}

const countLost = (errors: readonly ProviderError[]): number => errors.filter(({ kind }) => kind === 'lost').length

/** For an upstream that does not say how long it wants to be left alone. */
const DEFAULT_WAIT_MS = 5000

/** Which of several failures tells the caller most about what to do. */
const TELLING: readonly ProviderErrorKind[] = ['rejected', 'lost', 'throttled', 'unavailable', 'misconfigured']

function verdict(errors: readonly ProviderError[]): Failure {
  const rank = ({ kind }: ProviderError): number => TELLING.indexOf(kind)
  const waitMs = ({ facts }: ProviderError): number => facts.retryAfterMs ?? DEFAULT_WAIT_MS
  const [worst] = errors.toSorted((a, b) => rank(a) - rank(b) || waitMs(a) - waitMs(b))
  return worst ? failureOf(worst) : NO_UPSTREAM
}

const NO_UPSTREAM: Failure = {
  code: 'no_upstream',
  message: 'No upstream can serve this model until its operator mends something. Ask for another model, or try later.',
  retry: false,
}

/** What the caller is told of an upstream's failure. */
function failureOf({ kind, facts }: ProviderError): Failure {
  switch (kind) {
    case 'rejected':
      return facts.failure ?? { code: 'invalid_request', message: 'The upstream refused the request as it is.' }
    case 'throttled': {
      const message = 'Every upstream for this model is at its rate limit. Wait as long as retry-after says.'
      return {
        code: 'rate_limited',
        message,
        reason: 'rate_limit_exceeded',
        retryAfterMs: facts.retryAfterMs ?? DEFAULT_WAIT_MS,
      }
    }
    case 'unavailable':
      return UPSTREAM_FAILED
    case 'lost':
      return facts.code === 'timed_out' ? TIMED_OUT : LOST
    case 'misconfigured':
      return NO_UPSTREAM
  }
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
  message: 'The upstream made the image but its answer could not be read, twice. Try again later.',
  retry: false,
}
