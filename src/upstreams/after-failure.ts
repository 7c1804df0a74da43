import { ProviderError } from '../providers/provider'
import type { CallOutcome } from './health'
import type { Cause } from './trouble'

/** The number of calls that may be paid for without a result. */
export const countLost = (errors: readonly ProviderError[]): number =>
  errors.filter(({ kind }) => kind === 'lost').length

/**
 * Whether a failed account is worth one more call. Its result was lost in time, or it is the only candidate and was
 * unavailable. After an answer that could not be used, the next one would be the same, and be paid for too.
 */
export function isWorthAnotherCall(errors: readonly ProviderError[] = [], candidates: number): boolean {
  const [error, again] = errors
  if (!error || again || error.facts.isUnusable) return false
  return (
    (error.kind === 'unavailable' && candidates === 1) || (error.kind === 'lost' && error.facts.code !== 'timed_out')
  )
}

/** The meaning of an error for the health of its account. */
export function outcomeOf(error: unknown): CallOutcome {
  if (!(error instanceof ProviderError)) return { is: 'cancelled' }
  const { kind, facts } = error
  if (facts.scope === 'request') return { is: 'cancelled' }
  const ofModel = facts.scope === 'model'
  switch (kind) {
    case 'rejected':
      return { is: 'served' }
    case 'throttled':
      return { is: 'throttled', retryAfterMs: facts.retryAfterMs, ofModel, group: facts.group }
    case 'lost':
    case 'unavailable':
      return { is: 'unavailable', cause: causeOf(facts) }
    case 'misconfigured':
      // The client made the model's name up.
      if (facts.failure) return { is: 'served' }
      return { is: 'misconfigured', ofModel, status: facts.status }
  }
}

function causeOf({ scope, isUnexplained }: ProviderError['facts']): Cause {
  if (scope === 'place') return 'misplaced'
  return isUnexplained ? 'forbidden' : 'failures'
}
