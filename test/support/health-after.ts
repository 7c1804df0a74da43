import {
  type Health,
  healthAfter,
  NEW,
  type CallOutcome,
  availabilityOf,
  type RequestSource,
} from '../../src/upstreams/health'

export const NOW = 1_800_000_000_000
export const SECOND = 1000

export const PROVEN: Health = { ...NEW, proven: true }
export const SERVED: CallOutcome = { is: 'served' }
export const FAILED: CallOutcome = { is: 'unavailable' }
export const THROTTLED: CallOutcome = { is: 'throttled' }
export const REVOKED: CallOutcome = { is: 'misconfigured', ofModel: false, status: 401 }

/** The source of a request; without a name of its own, each request differs. */
let requests = 0
export const from = (payer = 'acme', request = `request-${requests++}`, model = 'a-model'): RequestSource => ({
  payer,
  request,
  model,
})
export const ASKED = { payer: 'acme', model: 'a-model' }

export const after = (health: Health, outcomes: CallOutcome[], nowMs = NOW): Health =>
  outcomes.reduce((each, outcome) => healthAfter(each, outcome, from(), nowMs), health)
export const times = (count: number, outcome: CallOutcome): CallOutcome[] =>
  Array.from({ length: count }, () => outcome)
export const reason = (health: Health, nowMs = NOW, model = 'a-model', payer = 'acme') =>
  availabilityOf(health, { model, payer }, nowMs).reason

/** The rests, in seconds, of an account that fails again as soon as it is available. */
export function restsOf(outcome: CallOutcome, start: Health, count: number): number[] {
  const rests: number[] = []
  for (let health = start, nowMs = NOW; rests.length < count;) {
    health = healthAfter(health, outcome, from(), nowMs)
    const availability = availabilityOf(health, ASKED, nowMs)
    const untilMs = availability.reason ? availability.untilMs : nowMs
    rests.push((untilMs - nowMs) / SECOND)
    nowMs = untilMs
  }
  return rests
}
