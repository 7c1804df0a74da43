import { ProviderError } from '../providers/provider'
import type { CallOutcome } from './health'

/** How often a request was paid for in vain. */
export const countLost = (errors: readonly ProviderError[]): number =>
  errors.filter(({ kind }) => kind === 'lost').length

/**
 * Whether an account that failed is worth asking once more: what it made was lost in time, or it failed in passing and is
 * the only one.
 */
export function mayDoBetter(errors: readonly ProviderError[] = [], candidates: number): boolean {
  const [error, again] = errors
  if (!error || again) return false
  return (
    (error.kind === 'unavailable' && candidates === 1) || (error.kind === 'lost' && error.facts.code !== 'timed_out')
  )
}

/** What a failure tells of the account. */
export function outcomeOf(error: unknown): CallOutcome {
  if (!(error instanceof ProviderError)) return { is: 'cancelled' }
  const { kind, facts } = error
  if (facts.ofRequest) return { is: 'cancelled' }
  switch (kind) {
    case 'rejected':
      return { is: 'served' }
    case 'throttled':
      return { is: 'throttled', retryAfterMs: facts.retryAfterMs }
    case 'lost':
    case 'unavailable':
      return { is: 'unavailable' }
    case 'misconfigured':
      // A name that somebody made up.
      if (facts.failure) return { is: 'served' }
      return { is: 'misconfigured', ofModel: facts.ofModel === true, status: facts.status }
  }
}
