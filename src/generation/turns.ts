import type { Failure } from '../failures/errors'
import { abandon, subscriberIds, refuseRun, without } from './endings'
import type { EventOf } from './events'
import { CANCELLED } from './failures'
import { type At, begin, generate, offerAll, order } from './orders'
import type { Held } from './outcome'
import { isWorthWaiting, mayStartFor, placeAnswered, placeWithdrawn, turnOfPlace } from './places'
import { hasJob, isSamePayer, isWantedBy, type Phase, type Run, type State } from './state'

type Queued = Extract<Phase, { is: 'queued' }>
type Reserving = Extract<Phase, { is: 'reserving' }>

/** The answer of a team to an order. A client with patience may have come since the order could not wait. */
export function orderAnswered(state: State, answer: EventOf<'answered'>, at: At): State {
  const { phase, places } = state
  const place = places.find(({ reservation }) => reservation === answer.reservation)
  if (place) return placeAnswered(state, place, answer, at)
  const asked = askedPhase(phase)
  if (!asked || asked.run.reservation !== answer.reservation) return state
  if (isWorthWaiting(state, asked.run, answer)) {
    order(asked.run, true, at)
    return state
  }
  // The answer is older than the refusal of the turn, unless the team has reserved since.
  const { turnedDown } = asked
  const held: Held = turnedDown && answer.held.is === 'queued' ? { is: 'refused', failure: turnedDown } : answer.held
  return asked.is === 'queued' ? answeredAgain(state, asked, held, at) : runAnswered(state, asked, held, at)
}

/** The phase of a run with an order on its way to its team, or the answer back. */
function askedPhase(phase: Phase): Reserving | Queued | undefined {
  if (phase.is === 'reserving') return phase.isInHand ? phase : undefined
  return phase.is === 'queued' && phase.isReasked ? phase : undefined
}

function runAnswered(state: State, phase: Reserving, held: Held, at: At): State {
  const { run, isCancelled, reports } = phase
  const facts = 'facts' in held ? held.facts : undefined
  const report = (refusal?: Failure): void => at.emit({ do: 'report', request: run.task.requestId, refusal, facts })
  if (held.is === 'queued') {
    report()
    return waitForTurn(state, run, held.instead, isCancelled, at)
  }
  // A run that began earlier goes on without its team: its money is reserved.
  if (held.is === 'reserved' || (held.is === 'unreachable' && run.progress)) {
    report()
    return isCancelled
      ? abandon(state, run, CANCELLED, at)
      : generate(state, run, at, held.is === 'reserved' ? held : {})
  }
  const isHeld = held.is === 'unreachable'
  // An accepted job outlives a deploy.
  if (isHeld && run.before !== undefined && hasJob(state) && !isCancelled) {
    report()
    return { ...state, phase: { is: 'reserving', run, isInHand: false } }
  }
  report(held.failure)
  return refuseRun(reports ? forgetRefused(state, run, at) : state, run, held.failure, at, { isHeld })
}

/** A queued run; others get places of their own beside it. */
function waitForTurn(state: State, run: Run, instead: Failure, isCancelled: true | undefined, at: At): State {
  if (!isCancelled) return offerAll({ ...state, phase: { is: 'queued', run, instead } }, at)
  at.emit({ do: 'withdraw', order: run })
  return { ...state, phase: { is: 'queued', run, instead, leaving: 'cancelled' } }
}

/** Removes the job and the URLs of a refused request: the refusal is its answer. */
function forgetRefused(state: State, { task }: Run, { emit }: At): State {
  const refused = state.subscribers.filter(({ kind, task: { requestId, payer }, isHandedOff }) =>
    requestId === task.requestId
      ? kind !== 'client'
      : kind === 'hook' && !isHandedOff && isSamePayer(payer, task.payer),
  )
  emit({ do: 'drop', receivers: subscriberIds(refused), refused: task })
  return without(state, refused)
}

/** A team that was asked again may have forgotten the order, and then decides anew. */
function answeredAgain(state: State, phase: Queued, held: Held, at: At): State {
  const { turnedDown, ...rest } = phase
  const answeredPhase: Queued = { ...rest, isReasked: false }
  if (held.is === 'reserved') return turnOfRun(state, answeredPhase, undefined, at, { isHeld: true })
  if (held.is === 'refused') return turnOfRun(state, answeredPhase, held.failure, at)
  if (turnedDown) return turnOfRun(state, answeredPhase, turnedDown, at, { isHeld: true })
  if (phase.leaving) at.emit({ do: 'withdraw', order: phase.run })
  return { ...state, phase: answeredPhase }
}

/** The turn of a run or of a place has come, or a refusal in its place. */
export function turnCame(state: State, { reservation, refusal }: EventOf<'turnCame'>, at: At): State {
  const { phase, places } = state
  if ('run' in phase && phase.run.reservation === reservation) {
    const asked = askedPhase(phase)
    // An order on its way may still reserve: its answer ends a refused run. An unwanted run settles its turn by itself.
    if (refusal && asked) return { ...state, phase: { ...asked, turnedDown: refusal } }
    if (phase.is === 'queued') return turnOfRun(state, phase, refusal, at, { isHeld: asked !== undefined })
    return asked?.is === 'reserving' ? runAnswered(state, asked, { is: 'reserved' }, at) : state
  }
  const place = places.find((each) => each.reservation === reservation)
  return place ? turnOfPlace(state, place, refusal, at) : state
}

/** `isHeld` means that the team does not release the money of an unwanted run by itself. */
function turnOfRun(
  state: State,
  phase: Queued,
  refusal: Failure | undefined,
  at: At,
  { isHeld } = { isHeld: false },
): State {
  const { run, instead, leaving } = phase
  if (leaving === 'cancelled')
    return refusal ? refuseRun(state, run, CANCELLED, at) : abandon(state, run, CANCELLED, at)
  const failure = refusal ?? (mayStartFor(state, run, at) ? undefined : instead)
  return failure ? refuseRun(state, run, failure, at, { isHeld }) : generate(state, run, at)
}

/** A withdrawn place is gone. A withdrawn run ends, or is ordered again for a client that came meanwhile. */
export function withdrawn(state: State, { reservation, isOut }: EventOf<'withdrawn'>, at: At): State {
  const { phase, places } = state
  const place = places.find((each) => each.reservation === reservation)
  if (place) return placeWithdrawn(state, place, isOut, at)
  if (phase.is !== 'queued' || phase.run.reservation !== reservation) return state
  const { run, instead, leaving } = phase
  if (leaving === 'given-up' && isWantedBy(state, run.task.payer)) return begin(state, run, at)
  if (!leaving) return state
  return refuseRun(state, run, leaving === 'cancelled' ? CANCELLED : instead, at, { isHeld: !isOut })
}
