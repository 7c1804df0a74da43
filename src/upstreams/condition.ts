import { type Health, availabilityOf } from './health'

/** How an account is, as its operator sees it; times are ms since 1970. */
export interface Condition {
  /** `probing`: one request tries it (it is new), or the next one will (it was `open` until now). */
  status: 'ready' | 'probing' | 'cooling' | 'open' | 'disabled' | 'out'
  /** Since when; undefined where nothing is the matter. */
  sinceMs?: number | undefined
  /** When that ends by itself; undefined where it does not, or where it takes a request to end it. */
  untilMs?: number | undefined
  /** Why; undefined where nothing is the matter. */
  reason?: string | undefined
}

/** How an account is, apart from single models that are out of its reach. */
export function conditionOf(health: Health, nowMs: number): Condition {
  const { outMs, disabled, cooling, trouble, probingUntilMs } = health
  const { hindrance } = availabilityOf({ ...health, without: {} }, '', nowMs)
  const failed = { sinceMs: trouble.sinceMs, reason: `failed ${trouble.failures} times in a row` }
  switch (hindrance) {
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
