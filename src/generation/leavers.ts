import { failed } from '../failures/errors'
import type { Payer } from '../ledger/entry'
import { tell } from './endings'
import { type At, leavePlace } from './orders'
import { isSamePayer, isWantedBy, type State, type Subscriber } from './state'

/** Withdraws the orders of payers without a subscriber, and tells clients that have left the queue. */
export function tidy(state: State, at: At): State {
  const noted = noteFailures(state, at)
  const { phase } = noted
  if (phase.is !== 'queued') return tellLeavers(noted, at)
  const places = noted.places.map((place) =>
    place.stands.is === 'waiting' && !isWantedBy(noted, place.task.payer) ? leavePlace(place, at) : place,
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
