import type { Mint } from './attempts'
import type { GenerationEffect } from './events'
import {
  isSamePayer,
  mayWait,
  type PlacedOrder,
  type Phase,
  type QueuePlace,
  type Run,
  type State,
  type Subscriber,
} from './state'
import type { Task } from './task'

/** The facts of a transition beside its state and its event. */
export interface Rules {
  /** In ms since 1970. */
  nowMs: number
  /** Mints the ids of runs and reservations. */
  mint: Mint
  /** Whether a run without its clients is made at its turn. */
  finishesAbandoned: boolean
}

/** The facts of one transition, and its effects. */
export interface At extends Rules {
  emit: (effect: GenerationEffect) => void
}

/** Sends an order to its team, which may have it already. */
export const order = ({ task, reservation, createdMs }: PlacedOrder, couldWait: boolean, { emit }: At): void =>
  emit({ do: 'reserve', order: { task, reservation, createdMs }, couldWait })

/** Begins a run, or its next attempt. `reports` means that a request takes the refusal of its team as its answer. */
export function begin(state: State, run: Run, at: At, { reports } = { reports: false }): State {
  order(run, mayWait(state, run.task.payer), at)
  return { ...state, phase: { is: 'reserving', run, isInHand: true, ...(reports ? { reports } : {}) } }
}

/**
 * Orders a place for a payer beside the queued run of another one. The calls of an earlier process are the payer's own,
 * so a run with progress takes none.
 */
export function offer(state: State, task: Task, at: At): State {
  const { phase, places } = state
  if (phase.is !== 'queued' || phase.run.progress || isSamePayer(phase.run.task.payer, task.payer)) return state
  const own = places.filter((place) => isSamePayer(place.task.payer, task.payer))
  if (own.some(({ stands }) => stands.is !== 'leaving')) return state
  const place: QueuePlace = { task, reservation: at.mint('reservation'), createdMs: at.nowMs, stands: { is: 'asked' } }
  order(place, mayWait(state, task.payer), at)
  return { ...state, places: [...places, place] }
}

/** Offers a place to every client and job of a payer without one. */
export const offerAll = (state: State, at: At): State =>
  state.subscribers
    .filter(({ kind, leaving }) => kind !== 'hook' && !leaving)
    .reduce((offered, { task }) => offer(offered, task, at), state)

/** Withdraws a place. An order without an answer is withdrawn after that. */
export function leavePlace(place: QueuePlace, { emit }: At): QueuePlace {
  if (place.stands.is === 'leaving') return place
  const isAnswered = place.stands.is === 'waiting' && !place.stands.isReasked
  if (isAnswered) emit({ do: 'withdraw', order: place })
  return { ...place, stands: { is: 'leaving', awaits: isAnswered ? 'withdrawal' : 'answer' } }
}

/** A subscriber that does not leave. */
function stay(subscriber: Subscriber): Subscriber {
  const { leaving: _, ...rest } = subscriber
  return rest
}

/**
 * Makes the images of a run with reserved money. The other places are withdrawn, and no client leaves any more.
 * `leavesRoom`: no limit of its payer waits for the settlement.
 */
export function generate(state: State, run: Run, at: At, { leavesRoom }: { leavesRoom?: true } = {}): State {
  at.emit({ do: 'generate', run })
  const phase: Phase = { is: 'generating', run, ...(leavesRoom ? { leavesRoom } : {}) }
  const subscribers = state.subscribers.map(stay)
  return { phase, places: state.places.map((place) => leavePlace(place, at)), subscribers }
}
