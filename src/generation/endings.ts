import type { Failure } from '../failures/errors'
import { newRun } from './attempts'
import type { EventOf } from './events'
import { CANCELLED } from './failures'
import { type At, begin, offerAll } from './orders'
import { concerns, type Ended, type RunOutcome, uncalled } from './outcome'
import { isComplete } from './progress'
import { settlementOf } from './settlement'
import {
  nextDemand,
  type Phase,
  type QueuePlace,
  type Run,
  type RunEnd,
  type State,
  type Subscriber,
  type Waiting,
} from './state'

/** Tells clients an end, and removes them. */
export function tell(state: State, clients: readonly Subscriber[], ended: Ended, { emit }: At): State {
  if (clients.length === 0) return state
  emit({ do: 'tell', clients: subscriberIds(clients), ended })
  return without(state, clients)
}

/** Ends the job of a team while the run goes on for others. */
export function dismiss(state: State, team: string, { emit }: At): State {
  const own = state.subscribers.filter(({ task }) => task.payer.team === team)
  const job = own.find(({ kind }) => kind === 'job')
  if (!job) return state
  const over = own.filter(({ kind, isHandedOff }) => kind !== 'client' && isHandedOff)
  emit({ do: 'dismiss', task: job.task, receivers: subscriberIds(over), failure: CANCELLED })
  return without(state, over)
}

/** Ends the calls of a dead process; their outcome ends the run. Without an image, a refusal concerns its payer alone. */
export function abandon(state: State, run: Run, failure: Failure | undefined, { emit }: At): State {
  emit({ do: 'abandon', run, failure })
  return { ...state, phase: { is: 'ending', run, isRefused: failure !== undefined } }
}

/**
 * Ends a run without held money, for its payer alone. A run with calls of earlier processes settles them first.
 * `isHeld` means that its reservation may exist all the same.
 */
export function refuseRun(state: State, run: Run, failure: Failure, at: At, { isHeld } = { isHeld: false }): State {
  if (run.progress) return abandon(state, run, failure, at)
  const { payer } = run.task
  const only = failure.code === 'cancelled' ? { team: payer.team } : payer
  const outcome = uncalled(failure)
  const facts = { startedMs: undefined, endedMs: at.nowMs }
  const { notice, ...pending } = settlementOf(run, outcome, facts)
  const concerned = state.subscribers.filter(({ task }) => concerns(only, task.payer))
  const receivers = subscriberIds(withoutClients(concerned))
  at.emit({ do: 'end', run, outcome, receivers, conclusion: { ...facts, isSettled: false } })
  // The reservation of an earlier process may exist too.
  if (isHeld || run.before !== undefined) at.emit({ do: 'owe', pending, isDue: isHeld })
  const ended = { made: outcome.made, paidBy: run.task.requestId, snapshot: notice.snapshot }
  at.emit({ do: 'close', ended })
  const told = tell(state, ofClients(concerned), ended, at)
  return next(without(told, concerned), at)
}

/**
 * The outcome of a run notifies its jobs and URLs at once. Its clients hear after the settlement, so that the next
 * request of its payer finds the room. A complete answer does not wait where the limits have room.
 */
export function made(state: State, { run: id, outcome, startedMs }: EventOf<'made'>, at: At): State {
  const { emit, nowMs } = at
  const { phase } = state
  if ((phase.is !== 'generating' && phase.is !== 'ending') || phase.run.id !== id) return state
  const { run } = phase
  const { payer, requestId } = run.task
  const isOfPayer = phase.is === 'ending' && phase.isRefused && !outcome.made.ok
  const only = isCancelled(outcome) ? { team: payer.team } : isOfPayer ? payer : undefined
  const facts = { startedMs, endedMs: nowMs }
  const pending = settlementOf(run, outcome, facts)
  const concerned = state.subscribers.filter(({ task }) => concerns(only, task.payer))
  const others = withoutClients(concerned)
  emit({ do: 'end', run, outcome, receivers: subscriberIds(others), conclusion: { ...facts, isSettled: true } })
  emit({ do: 'settle', pending })
  const clients = subscriberIds(ofClients(concerned))
  const ended = { made: outcome.made, paidBy: requestId, snapshot: pending.notice.snapshot }
  const settling: Phase = { is: 'settling', pending, isInHand: true }
  const isSettledLater = phase.is === 'generating' && phase.leavesRoom === true && isWhole(outcome, run)
  return isSettledLater
    ? answered({ ...without(state, others), phase: settling }, { clients, ended }, at)
    : { ...without(state, others), phase: { ...settling, end: { clients, ended } } }
}

/** Whether an outcome has all images, so that its settlement gives no image back. */
const isWhole = ({ made: result }: RunOutcome, { task }: Run): boolean => result.ok && isComplete(result.value, task)

/** Tells the clients and the watchers of a run its end. */
function answered(state: State, { clients, ended }: RunEnd, at: At): State {
  at.emit({ do: 'close', ended })
  const told = state.subscribers.filter(({ id }) => clients.includes(id))
  return tell(state, told, ended, at)
}

const isCancelled = ({ made: result }: RunOutcome): boolean => !result.ok && result.failure.code === 'cancelled'

/** A settled run tells the clients that have not heard. Without a confirmation in time, the settlement is repeated beside the next run. */
export function settled(state: State, { reservation, confirmed }: EventOf<'settled'>, at: At): State {
  const { phase } = state
  if (phase.is !== 'settling' || phase.pending.settlement.id !== reservation) return state
  const { pending, end } = phase
  if (!confirmed) at.emit({ do: 'owe', pending, isDue: false })
  else if (confirmed.webhook && pending.notice) at.emit({ do: 'announce', notice: pending.notice })
  return next(end ? answered(state, end, at) : state, at)
}

/** Begins the run after an ended one: by the oldest place in a queue, or for left demand. */
export function next(state: State, at: At): State {
  const waiting = state.places.filter(({ stands }) => stands.is === 'waiting')
  const [first] = waiting.toSorted((one, other) => one.createdMs - other.createdMs)
  if (first?.stands.is === 'waiting') return promoted(state, first, first.stands, at)
  const demand = nextDemand(state)
  if (!demand) return { ...state, phase: { is: 'idle' } }
  return begin(state, newRun(demand.task, at), at, demand)
}

/** A place becomes the run, with an answer of its team that is on its way. */
function promoted(state: State, { task, reservation, createdMs }: QueuePlace, waiting: Waiting, at: At): State {
  const run = newRun(task, at, { reservation, createdMs })
  const places = state.places.filter((each) => each.reservation !== reservation)
  return offerAll({ ...state, places, phase: { ...waiting, is: 'queued', run } }, at)
}

const ofClients = (subscribers: readonly Subscriber[]): Subscriber[] =>
  subscribers.filter(({ kind }) => kind === 'client')

const withoutClients = (subscribers: readonly Subscriber[]): Subscriber[] =>
  subscribers.filter(({ kind }) => kind !== 'client')

export const subscriberIds = (subscribers: readonly Subscriber[]): string[] => subscribers.map(({ id }) => id)

/** A state without some of its subscribers. */
export function without(state: State, gone: readonly Subscriber[]): State {
  const ids = new Set(subscriberIds(gone))
  return { ...state, subscribers: state.subscribers.filter(({ id }) => !ids.has(id)) }
}
