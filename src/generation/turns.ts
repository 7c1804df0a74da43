import { type Failure, failed } from '../failures/errors'
import type { Payer } from '../ledger/entry'
import { abandon, dismiss, refuse, tell } from './endings'
import type { Event } from './events'
import { CANCELLED } from './failures'
import { type At, begin, generate, leave, offerAll, order } from './orders'
import { type Held, releaseOf } from './outcome'
import {
  hasJob,
  isSamePayer,
  isWantedBy,
  mayWait,
  type Order,
  type Phase,
  type Place,
  type Run,
  type State,
  type Subscriber,
} from './state'

type Queued = Extract<Phase, { is: 'queued' }>
type Reserving = Extract<Phase, { is: 'reserving' }>
type Answer = Extract<Event, { is: 'answered' }>

/** The answer of a team to an order. A client with patience may have come since the order could not wait. */
export function answered(state: State, answer: Answer, at: At): State {
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

/** The phase of a run whose order is on its way to its team, or the answer back. */
function askedPhase(phase: Phase): Reserving | Queued | undefined {
  if (phase.is === 'reserving') return phase.isInHand ? phase : undefined
  return phase.is === 'queued' && phase.isAsked ? phase : undefined
}

const isWorthWaiting = (state: State, { task }: Order, { held, couldWait }: Answer): boolean =>
  held.is === 'refused' && held.failure.code === 'concurrency_limited' && !couldWait && mayWait(state, task.payer)

function runAnswered(state: State, phase: Reserving, held: Held, at: At): State {
  const { run, isCancelled, reports } = phase
  const report = (refusal?: Failure): void => at.emit({ do: 'report', request: run.task.requestId, refusal })
  switch (held.is) {
    case 'queued':
      report()
      return waitForTurn(state, run, held.instead, isCancelled, at)
    case 'unreachable':
      // A run that began earlier goes on without its team: its money is reserved.
      if (!run.progress) {
        // An accepted job outlives a deploy.
        if (run.before !== undefined && hasJob(state) && !isCancelled)
          return { ...state, phase: { is: 'reserving', run, isInHand: false } }
        report(held.failure)
        return refuse(reports ? forget(state, run, at) : state, run, held.failure, at, { isHeld: true })
      }
      break
    case 'refused':
      report(held.failure)
      return refuse(reports ? forget(state, run, at) : state, run, held.failure, at)
    case 'reserved':
  }
  report()
  return isCancelled ? abandon(state, run, CANCELLED, at) : generate(state, run, at)
}

/** A queued run; others get places of their own beside it. */
function waitForTurn(state: State, run: Run, instead: Failure, isCancelled: true | undefined, at: At): State {
  if (!isCancelled) return offerAll({ ...state, phase: { is: 'queued', run, instead } }, at)
  at.emit({ do: 'withdraw', order: run })
  return { ...state, phase: { is: 'queued', run, instead, leaving: 'cancelled' } }
}

/** Removes the job and the URLs of a refused request: the refusal is its answer. */
function forget(state: State, { task }: Run, { emit }: At): State {
  emit({ do: 'forget', task })
  const isRefused = ({ kind, task: { requestId, payer }, isHandedOff }: Subscriber): boolean =>
    requestId === task.requestId ? kind !== 'client' : kind === 'hook' && !isHandedOff && isSamePayer(payer, task.payer)
  return { ...state, subscribers: state.subscribers.filter((each) => !isRefused(each)) }
}

/** A team that was asked again may have forgotten the order, and then decides anew. */
function answeredAgain(state: State, phase: Queued, held: Held, at: At): State {
  const { isAsked: _, turnedDown: __, ...answeredPhase } = phase
  if (held.is === 'reserved') return turnOfRun(state, answeredPhase, undefined, at, { isHeld: true })
  if (held.is === 'refused') return turnOfRun(state, answeredPhase, held.failure, at)
  if (phase.leaving) at.emit({ do: 'withdraw', order: phase.run })
  return { ...state, phase: answeredPhase }
}

/** The first place with money takes the run over. A refused place is given up, with the refusal for its clients. */
function placeAnswered(state: State, place: Place, answer: Answer, at: At): State {
  const { held } = answer
  if (place.stands.is === 'asked' && isWorthWaiting(state, place, answer)) {
    order(place, true, at)
    return state
  }
  at.emit({ do: 'report', request: place.task.requestId, refusal: undefined })
  const noted = noteRefusal(state, place, held)
  if (held.is === 'refused') return removed(noted, place)
  if (place.stands.is === 'leaving' || held.is === 'unreachable') return withdrawAnswered(noted, place, at)
  if (held.is === 'queued') return replaced(noted, { ...place, stands: { is: 'waiting', instead: held.instead } })
  return canTakeOver(noted, place) && isWantedBy(noted, place.task.payer)
    ? takeOver(noted, place, at)
    : withdrawAnswered(noted, place, at)
}

function withdrawAnswered(state: State, place: Place, { emit }: At): State {
  emit({ do: 'withdraw', order: place })
  return replaced(state, { ...place, stands: { is: 'leaving', isAnswered: true } })
}

function noteRefusal(state: State, { task }: Place, held: Held): State {
  if (held.is !== 'refused' && held.is !== 'unreachable') return state
  const subscribers = state.subscribers.map((each) =>
    each.kind === 'client' && isSamePayer(each.task.payer, task.payer) ? { ...each, refusal: held.failure } : each,
  )
  return { ...state, subscribers }
}

/** The turn of a run or of a place has come, or a refusal in its place. */
export function turnCame(state: State, { reservation, refusal }: Extract<Event, { is: 'turnCame' }>, at: At): State {
  const { phase, places } = state
  if ('run' in phase && phase.run.reservation === reservation) {
    const asked = askedPhase(phase)
    // An order on its way may still reserve, so its answer ends a refused run.
    if (refusal && asked) return { ...state, phase: { ...asked, turnedDown: refusal } }
    if (phase.is === 'queued') return turnOfRun(state, phase, refusal, at)
    return asked?.is === 'reserving' ? runAnswered(state, asked, { is: 'reserved' }, at) : state
  }
  const place = places.find((each) => each.reservation === reservation)
  if (!place) return state
  at.emit({ do: 'report', request: place.task.requestId, refusal: undefined })
  const mayStart = !refusal && canTakeOver(state, place) && mayStartFor(state, place, at)
  if (mayStart) return takeOver(state, place, at)
  return isOnItsWay(place)
    ? replaced(state, { ...place, stands: { is: 'leaving', isAnswered: false } })
    : removed(state, place)
}

/** Whether the team may receive the order of a place once more. */
const isOnItsWay = ({ stands }: Place): boolean =>
  stands.is === 'asked' || (stands.is === 'waiting' ? stands.isAsked === true : !stands.isAnswered)

const mayStartFor = (state: State, { task }: Order, { finishesAbandoned }: At): boolean =>
  finishesAbandoned || isWantedBy(state, task.payer)

/** `isHeld` means that the team does not release the money of an unwanted run by itself. */
function turnOfRun(
  state: State,
  phase: Queued,
  refusal: Failure | undefined,
  at: At,
  { isHeld } = { isHeld: false },
): State {
  const { run, instead, leaving } = phase
  if (leaving === 'cancelled') return refusal ? refuse(state, run, CANCELLED, at) : abandon(state, run, CANCELLED, at)
  const failure = refusal ?? (mayStartFor(state, run, at) ? undefined : instead)
  return failure ? refuse(state, run, failure, at, { isHeld }) : generate(state, run, at)
}

/** Whether a place may take the run over: no upstream has been asked for it. */
const canTakeOver = ({ phase }: State, place: Place): boolean =>
  (phase.is === 'queued' || phase.is === 'reserving') && !phase.run.progress && place.stands.is !== 'leaving'

/** The payer of a place pays from now on. The order of the former payer is withdrawn. */
function takeOver(state: State, place: Place, at: At): State {
  const { phase } = state
  if (phase.is !== 'queued' && phase.is !== 'reserving') return state
  const { task, reservation, createdMs } = phase.run
  const isAnswered = phase.is === 'queued' ? !phase.isAsked : !phase.isInHand
  const former: Place = { task, reservation, createdMs, stands: { is: 'leaving', isAnswered } }
  if (isAnswered && !(phase.is === 'queued' && phase.leaving)) at.emit({ do: 'withdraw', order: former })
  if (phase.is === 'reserving') at.emit({ do: 'report', request: task.requestId, refusal: undefined })
  const isCancelled = phase.is === 'queued' ? phase.leaving === 'cancelled' : phase.isCancelled
  const run = { ...phase.run, task: place.task, reservation: place.reservation, createdMs: place.createdMs }
  const places = [...removed(state, place).places, former]
  const started = generate({ ...state, places }, run, at)
  return isCancelled ? dismiss(started, task.payer.team, at) : started
}

/** A withdrawn place is gone. A withdrawn run ends, or is ordered again for a client that came meanwhile. */
export function withdrawn(state: State, { reservation, isOut }: Extract<Event, { is: 'withdrawn' }>, at: At): State {
  const { phase, places } = state
  const place = places.find((each) => each.reservation === reservation)
  if (place) {
    // An order whose turn has come holds money.
    if (!isOut) at.emit({ do: 'owe', pending: releaseOf(place), isDue: true })
    return removed(state, place)
  }
  if (phase.is !== 'queued' || phase.run.reservation !== reservation) return state
  const { run, instead, leaving } = phase
  if (leaving === 'given-up' && isWantedBy(state, run.task.payer)) return begin(state, run, at)
  if (!leaving) return state
  return refuse(state, run, leaving === 'cancelled' ? CANCELLED : instead, at, { isHeld: !isOut })
}

/** Withdraws the orders of payers without a subscriber, and tells clients that have left the queue. */
export function tidy(state: State, at: At): State {
  const noted = noteFailures(state, at)
  const { phase } = noted
  if (phase.is !== 'queued') return tellLeavers(noted, at)
  const places = noted.places.map((place) =>
    place.stands.is === 'waiting' && !isWantedBy(noted, place.task.payer) ? leave(place, at) : place,
  )
  const isGivenUp = !phase.leaving && !isWantedBy(noted, phase.run.task.payer)
  if (isGivenUp && !phase.isAsked) at.emit({ do: 'withdraw', order: phase.run })
  return tellLeavers({ ...noted, places, phase: isGivenUp ? { ...phase, leaving: 'given-up' } : phase }, at)
}

/** Gives clients without patience the refusal of their end, once their teams have answered, and drops their URLs. */
function noteFailures(state: State, { emit }: At): State {
  const { phase, places } = state
  if (phase.is !== 'queued') return state
  const orders = [{ task: phase.run.task, stands: { is: 'waiting', instead: phase.instead } as const }, ...places]
  const unhooked = new Set<string>()
  const subscribers = state.subscribers.map((each) => {
    if (!each.isOverdue || each.leaving) return each
    const own = orders.filter(({ task }) => isSamePayer(task.payer, each.task.payer)).map(({ stands }) => stands)
    if (own.some(({ is }) => is === 'asked')) return each
    const waiting = own.find((stands) => stands.is === 'waiting')
    emit({ do: 'unhook', request: each.task.requestId })
    unhooked.add(each.task.requestId)
    return { ...each, leaving: each.refusal ?? waiting?.instead ?? phase.instead }
  })
  const isDropped = ({ kind, task, isHandedOff }: Subscriber): boolean =>
    kind === 'hook' && !isHandedOff && unhooked.has(task.requestId)
  return unhooked.size === 0 ? state : { ...state, subscribers: subscribers.filter((each) => !isDropped(each)) }
}

/** A client may retry at once, and must not find the order that is being withdrawn. */
function tellLeavers(state: State, at: At): State {
  return state.subscribers.reduce((told, client) => {
    const { leaving, task } = client
    return leaving && !isBeingWithdrawn(told, task.payer) ? tell(told, [client], { made: failed(leaving) }, at) : told
  }, state)
}

const isBeingWithdrawn = ({ phase, places }: State, payer: Payer): boolean =>
  (phase.is === 'queued' && phase.leaving !== undefined && isSamePayer(phase.run.task.payer, payer)) ||
  places.some(({ stands, task }) => stands.is !== 'waiting' && isSamePayer(task.payer, payer))

const removed = (state: State, { reservation }: Order): State => ({
  ...state,
  places: state.places.filter((each) => each.reservation !== reservation),
})

const replaced = (state: State, place: Place): State => ({
  ...state,
  places: state.places.map((each) => (each.reservation === place.reservation ? place : each)),
})
