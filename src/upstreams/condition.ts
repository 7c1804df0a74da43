import { type Health, availabilityOf } from './health'

/** The condition of an account for its operator; times are in ms since 1970. */
export interface Condition {
  /** `probing`: one request tries the account (it is new), or the next one will (it was `open`). */
  status: 'ready' | 'probing' | 'cooling' | 'open' | 'disabled' | 'out'
  /** The start of the condition; undefined for a ready account. */
  sinceMs?: number | undefined
  /** The end of the condition; undefined for a condition that ends by a request or not at all. */
  untilMs?: number | undefined
  /** The cause; undefined for a ready account. */
  reason?: string | undefined
}

/** The condition of an account, apart from single models that it lacks. */
export function conditionOf(health: Health, nowMs: number): Condition {
  const { outMs, disabled, cooling, trouble, probingUntilMs } = health
  const { reason } = availabilityOf({ ...health, without: {} }, '', nowMs)
  const failed = { sinceMs: trouble.sinceMs, reason: `failed ${trouble.failures} times in a row` }
  switch (reason) {
    case 'out':
      return { status: 'out', sinceMs: outMs, reason: 'taken out by its operator' }
    case 'disabled':
      return { status: 'disabled', sinceMs: disabled?.sinceMs, reason: reasonOf(disabled?.status) }
    case 'cooling': {
      const { sinceMs, untilMs, times } = cooling
      return {
        status: 'cooling',
        sinceMs,
        untilMs,
        reason: `throttled ${times} ${times === 1 ? 'time' : 'times in a row'}`,
      }
    }
    case 'open':
      return { status: 'open', ...failed, untilMs: trouble.openUntilMs }
    case 'probing':
      return { status: 'probing', untilMs: probingUntilMs, ...(trouble.openings > 0 ? failed : { reason: 'is new' }) }
    default:
      return trouble.openings > 0 ? { status: 'probing', ...failed } : { status: 'ready' }
  }
}

const reasonOf = (status: number | undefined): string =>
  status === undefined ? 'answered that it is of no use' : `answered with status ${status}`
