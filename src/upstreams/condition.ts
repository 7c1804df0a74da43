import { type Health, availabilityOf } from './health'
import type { Cause, Trouble } from './trouble'

/** The condition of an account for its operator; times are in ms since 1970. */
export interface Condition {
  /** `probing`: one request tries the account (it is new), or the next one will (it was `open`). */
  status: 'ready' | 'probing' | 'cooling' | 'open' | 'disabled' | 'misplaced' | 'out'
  /** The start of the condition; undefined for a ready account. */
  sinceMs?: number | undefined
  /** The end of the condition; undefined for a condition that ends by a request or not at all. */
  untilMs?: number | undefined
  /** The cause; undefined for a ready account. */
  reason?: string | undefined
  /** The operator's remedy; undefined for a condition that passes. */
  advice?: string | undefined
  /** The teams that the condition is limited to; undefined for all. */
  teams?: string[] | undefined
}

/** The condition of an account, apart from the rests of single models. */
export function conditionOf(health: Health, nowMs: number): Condition {
  const ofAll = conditionForAll(health, nowMs)
  const isUsable = ofAll.status === 'ready' || ofAll.status === 'probing'
  return (isUsable && conditionForSome(health, nowMs)) || ofAll
}

function conditionForAll(health: Health, nowMs: number): Condition {
  const { outMs, disabled, cooling, trouble, probingUntilMs } = health
  const { reason } = availabilityOf({ ...health, payers: {}, models: {} }, { model: '', payer: '' }, nowMs)
  switch (reason) {
    case 'out':
      return { status: 'out', sinceMs: outMs, reason: 'taken out by its operator' }
    case 'cooling': {
      const { sinceMs, untilMs, times } = cooling
      return {
        status: 'cooling',
        sinceMs,
        untilMs,
        reason: `throttled ${times} ${times === 1 ? 'time' : 'times in a row'}`,
      }
    }
    case 'probing':
      return {
        status: 'probing',
        untilMs: probingUntilMs,
        ...(trouble.openings > 0 ? factsOf(trouble) : { reason: 'is new' }),
      }
    default:
      if (disabled) return conditionOfDisabled(disabled, nowMs)
      if (trouble.openUntilMs > nowMs) return paused(trouble)
      return trouble.openings > 0 ? { status: 'probing', ...factsOf(trouble) } : { status: 'ready' }
  }
}

const conditionOfDisabled = (
  { sinceMs, untilMs, status }: NonNullable<Health['disabled']>,
  nowMs: number,
): Condition => ({
  status: 'disabled',
  sinceMs,
  untilMs: untilMs > nowMs ? untilMs : undefined,
  reason: status === undefined ? 'answered that it is of no use' : `answered with status ${status}`,
  advice: 'Check its key, the rights of that key, and its balance. One request tries it again at the end.',
})

/** The condition for the teams with failures of their own. */
function conditionForSome({ payers }: Health, nowMs: number): Condition | undefined {
  const doubtful = Object.entries(payers).filter(([, { openings }]) => openings > 0)
  const resting = doubtful.filter(([, { openUntilMs }]) => openUntilMs > nowMs)
  const some = resting.length > 0 ? resting : doubtful
  const [longest] = some.map(([, each]) => each).toSorted((a, b) => b.openUntilMs - a.openUntilMs)
  if (!longest) return undefined
  const teams = some.map(([team]) => team)
  if (resting.length > 0) return { ...paused(longest), teams }
  const { probingUntilMs } = longest
  return { status: 'probing', ...factsOf(longest), untilMs: probingUntilMs > nowMs ? probingUntilMs : undefined, teams }
}

const STATUSES: Readonly<Record<Cause, Condition['status']>> = {
  failures: 'open',
  forbidden: 'disabled',
  misplaced: 'misplaced',
}

const paused = (trouble: Trouble): Condition => ({
  status: STATUSES[trouble.cause],
  ...factsOf(trouble),
  untilMs: trouble.openUntilMs,
})

const factsOf = ({ sinceMs, failures, cause }: Trouble): Pick<Condition, 'sinceMs' | 'reason' | 'advice'> => {
  if (cause === 'failures') return { sinceMs, reason: `failed ${failures} times in a row` }
  return { sinceMs, ...CAUSES[cause] }
}

const CAUSES: Readonly<Record<Exclude<Cause, 'failures'>, Pick<Condition, 'reason' | 'advice'>>> = {
  forbidden: {
    reason: 'forbade different requests without a reason, as a firewall in front of an API does',
    advice: 'Ask the operator of this upstream about its firewall. One request tries it again at the end.',
  },
  misplaced: {
    reason: 'refuses requests from the place of this gateway',
    advice: 'Use a base_url in a region that this upstream serves. One request tries it again at the end.',
  },
}
