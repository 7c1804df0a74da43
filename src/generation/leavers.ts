import { failed } from '../failures/errors'
import type { Payer } from '../ledger/entry'
import { subscriberIds, tell, without } from './endings'
import { WAITING_FOR_OTHERS } from './failures'
import { type At, leavePlace } from './orders'
import { isSamePayer, isWantedBy, type PlacedOrder, type State } from './state'

/** Withdraws the orders of payers without a subscriber, and tells clients that have left the queue. */
export function tidy(state: State, at: At): State {
  const noted = noteFailures(state, at)
  const { phase } = noted
  if (phase.is !== 'queued') return tellLeavers(noted, at)
  const places = noted.places.map((place) =>
    place.stands.is === 'waiting' && isLeft(noted, place, at) ? leavePlace(place, at) : place,
  )
  const isGivenUp = !phase.leaving && isLeft(noted, phase.run, at)
  if (isGivenUp && !phase.isReasked) at.emit({ do: 'withdraw', order: phase.run })
  return tellLeavers({ ...noted, places, phase: isGivenUp ? { ...phase, leaving: 'given-up' } : phase }, at)
}

/** Whether no subscriber waits for an order. An abandoned one is finished, unless a client has lost its patience. */
function isLeft(state: State, { task }: PlacedOrder, { finishesAbandoned }: At): boolean {
  const leavers = state.subscribers.filter(({ leaving, task: { payer } }) => leaving && isSamePayer(payer, task.payer))
  return !isWantedBy(state, task.payer) && (leavers.length > 0 || !finishesAbandoned)
}

/** Gives clients without patience the refusal of their end, once their teams have answered, and drops their URLs. */
function noteFailures(state: State, { emit }: At): State {
  const { phase, places } = state
  if (phase.is !== 'queued') return state
  const orders = [{ task: phase.run.task, stands: { is: 'waiting', instead: phase.instead } as const }, ...places]
  const leaving = new Set<string>()
  const subscribers = state.subscribers.map((each) => {
    if (!each.isOverdue || each.leaving) return each
    const own = orders.filter(({ task }) => isSamePayer(task.payer, each.task.payer)).map(({ stands }) => stands)
    if (own.some(({ is }) => is === 'asked')) return each
    const waiting = own.find((stands) => stands.is === 'waiting')
    leaving.add(each.task.requestId)
    return { ...each, leaving: each.refusal ?? waiting?.instead ?? WAITING_FOR_OTHERS }
  })
  if (leaving.size === 0) return state
  const hooks = subscribers.filter(
    ({ kind, task, isHandedOff }) => kind === 'hook' && !isHandedOff && leaving.has(task.requestId),
  )
  if (hooks.length > 0) emit({ do: 'drop', receivers: subscriberIds(hooks) })
  return without({ ...state, subscribers }, hooks)
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
