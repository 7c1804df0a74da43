import type { Failure } from '../failures/errors'
import { dismiss } from './endings'
import type { EventOf } from './events'
import { type At, generate, order } from './orders'
import { releaseOf } from './settlement'
import { isSamePayer, isWantedBy, mayWait, type QueuePlace, type PlacedOrder, type State } from './state'

/** Whether an order could not wait, and a client with patience has come since. */
export const isWorthWaiting = (
  state: State,
  { task }: PlacedOrder,
  { held, couldWait }: EventOf<'answered'>,
): boolean =>
  held.is === 'refused' && held.failure.code === 'concurrency_limited' && !couldWait && mayWait(state, task.payer)

/** The first place with money takes the run over. A refused place is given up, with the refusal for its clients. */
export function placeAnswered(state: State, place: QueuePlace, answer: EventOf<'answered'>, at: At): State {
  const { held } = answer
  if (place.stands.is === 'asked' && isWorthWaiting(state, place, answer)) {
    order(place, true, at)
    return state
  }
  const facts = 'facts' in held ? held.facts : undefined
  at.emit({ do: 'report', request: place.task.requestId, refusal: undefined, facts })
  const isRefused = held.is === 'refused' || held.is === 'unreachable'
  const noted = isRefused ? noteRefusal(state, place, held.failure) : state
  if (held.is === 'refused') return removed(noted, place)
  if (place.stands.is === 'leaving' || held.is === 'unreachable') return withdrawPlace(noted, place, at)
  if (held.is === 'queued') return replaced(noted, { ...place, stands: { is: 'waiting', instead: held.instead } })
  return canTakeOver(noted, place) && isWantedBy(noted, place.task.payer)
    ? takeOver(noted, place, at)
    : withdrawPlace(noted, place, at)
}

/** Withdraws a place with nothing on its way. */
export function withdrawPlace(state: State, place: QueuePlace, { emit }: At): State {
  emit({ do: 'withdraw', order: place })
  return replaced(state, { ...place, stands: { is: 'leaving', awaits: 'withdrawal' } })
}

/** Notes the refusal of a team for the end of its clients' patience. */
function noteRefusal(state: State, { task }: QueuePlace, refusal: Failure): State {
  const subscribers = state.subscribers.map((each) =>
    each.kind === 'client' && isSamePayer(each.task.payer, task.payer) ? { ...each, refusal } : each,
  )
  return { ...state, subscribers }
}

/** The turn of a place, or a refusal in its stead. */
export function turnOfPlace(state: State, place: QueuePlace, refusal: Failure | undefined, at: At): State {
  at.emit({ do: 'report', request: place.task.requestId, refusal: undefined })
  if (!refusal && canTakeOver(state, place) && mayStartFor(state, place, at)) return takeOver(state, place, at)
  const noted = refusal ? noteRefusal(state, place, refusal) : state
  return isOnItsWay(place)
    ? replaced(noted, { ...place, stands: { is: 'leaving', awaits: 'answer' } })
    : removed(noted, place)
}

/** Whether the team may receive the order of a place once more. */
const isOnItsWay = ({ stands }: QueuePlace): boolean =>
  stands.is === 'asked' || (stands.is === 'waiting' ? stands.isReasked === true : stands.awaits === 'answer')

/** Whether an order is made at its turn. */
export const mayStartFor = (state: State, { task }: PlacedOrder, { finishesAbandoned }: At): boolean =>
  finishesAbandoned || isWantedBy(state, task.payer)

/** Whether a place may take the run over: no upstream has been asked for it. */
const canTakeOver = ({ phase }: State, place: QueuePlace): boolean =>
  (phase.is === 'queued' || phase.is === 'reserving') && !phase.run.progress && place.stands.is !== 'leaving'

/** The payer of a place pays from now on. The order of the former payer is withdrawn. */
function takeOver(state: State, place: QueuePlace, at: At): State {
  const { phase } = state
  if (phase.is !== 'queued' && phase.is !== 'reserving') return state
  const { task, reservation, createdMs } = phase.run
  const isAnswered = phase.is === 'queued' ? !phase.isReasked : !phase.isInHand
  const awaits = isAnswered ? 'withdrawal' : 'answer'
  const former: QueuePlace = { task, reservation, createdMs, stands: { is: 'leaving', awaits } }
  if (isAnswered && !(phase.is === 'queued' && phase.leaving)) at.emit({ do: 'withdraw', order: former })
  if (phase.is === 'reserving') at.emit({ do: 'report', request: task.requestId, refusal: undefined })
  const isCancelled = phase.is === 'queued' ? phase.leaving === 'cancelled' : phase.isCancelled
  const run = { ...phase.run, task: place.task, reservation: place.reservation, createdMs: place.createdMs }
  const places = [...removed(state, place).places, former]
  const started = generate({ ...state, places }, run, at)
  return isCancelled ? dismiss(started, task.payer.team, at) : started
}

/** After an error of the gateway, a waiting place goes on to wait. The alarm withdraws a place without an answer. */
export function placeBroken(state: State, place: QueuePlace, { emit }: At): State {
  const { stands } = place
  if (stands.is === 'waiting') return replaced(state, { ...place, stands: { ...stands, isReasked: false } })
  emit({ do: 'report', request: place.task.requestId, refusal: undefined })
  return replaced(state, { ...place, stands: { is: 'leaving', awaits: 'alarm' } })
}

/** A withdrawn place is gone. After its turn, an order holds money. */
export function placeWithdrawn(state: State, place: QueuePlace, isOut: boolean, { emit }: At): State {
  if (place.stands.is !== 'leaving' || place.stands.awaits !== 'withdrawal') return state
  if (!isOut) emit({ do: 'owe', pending: releaseOf(place), isDue: true })
  return removed(state, place)
}

const removed = (state: State, { reservation }: PlacedOrder): State => ({
  ...state,
  places: state.places.filter((each) => each.reservation !== reservation),
})

const replaced = (state: State, place: QueuePlace): State => ({
  ...state,
  places: state.places.map((each) => (each.reservation === place.reservation ? place : each)),
})
