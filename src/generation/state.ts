import * as z from 'zod'
import type { Failure } from '../failures/errors'
import type { Payer } from '../ledger/entry'
import type { Ended, PendingSettlement } from './outcome'
import { progressSchema } from './progress'
import { type Task, taskSchema } from './task'

export const orderOfRun = z.object({
  task: taskSchema,
  /** The id of the reservation, which holds money from the turn on. */
  reservation: z.string(),
  /** The moment of the request, in ms since 1970. */
  createdMs: z.number(),
})
/** A payer's order at its team: money for a run, or a place in the queue. */
export type PlacedOrder = z.infer<typeof orderOfRun>

export const runSchema = orderOfRun.extend({
  /** The id of this process of the run, which separates its images from those of other processes. */
  id: z.string(),
  /** The id of its first process, which begins the ids of all later ones; missing in the first process. */
  before: z.string().exactOptional(),
  /** The number of the attempt, from 1. A death adds one if a call in hand cannot be resumed; an error of the gateway does too. */
  attempt: z.number(),
  /** The number of its processes that died with calls in hand; missing for none. */
  deaths: z.number().exactOptional(),
  progress: progressSchema.optional(),
})
/** A run, through all of its processes. Its order is that of its payer. */
export type Run = z.infer<typeof runSchema>

/** An order in the queue of its team. An order that is asked about again is withdrawn after the answer alone. */
export interface Waiting {
  /** The failure for clients that do not wait. */
  instead: Failure
  isReasked?: boolean
  turnedDown?: Failure
}

/**
 * The order of a payer beside that of the run. A leaving place awaits the answer to its order, the answer to its
 * withdrawal, or the alarm, which withdraws it.
 */
export interface QueuePlace extends PlacedOrder {
  stands: { is: 'asked' } | ({ is: 'waiting' } & Waiting) | { is: 'leaving'; awaits: 'answer' | 'withdrawal' | 'alarm' }
}

/** A receiver of one end of the generation: a waiting client, a team's job, or a URL of a request. */
export interface Subscriber {
  kind: 'client' | 'job' | 'hook'
  id: string
  task: Task
  /** Whether it waits for a turn in the queue of its team. */
  isPatient: boolean
  /** Whether its request became a job, which outlives the client. */
  isHandedOff: boolean
  /** Set after the end of a client's patience for the queue. */
  isOverdue?: true
  /** The failure of a client that leaves the queue. */
  leaving?: Failure
  /** The refusal of its team, for the end of its patience. */
  refusal?: Failure
}

/** The end of a run for the clients that wait for its settlement. */
export interface RunEnd {
  clients: readonly string[]
  ended: Ended
}

/**
 * The life of a run. A run that its process has not `isInHand` waits for a request or the alarm. `turnedDown` is the
 * refusal of a turn that came before the answer of the team. `leaving` is set while the order of a queued run is withdrawn.
 * While it is `ending`, the calls of a dead process are ended.
 */
export type Phase =
  | { is: 'idle' }
  | { is: 'reserving'; run: Run; isInHand: boolean; isCancelled?: true; turnedDown?: Failure; reports?: true }
  | ({ is: 'queued'; run: Run; leaving?: 'given-up' | 'cancelled' } & Waiting)
  | { is: 'generating'; run: Run; isCancelled?: true; leavesRoom?: true }
  | { is: 'ending'; run: Run; isRefused: boolean }
  | {
      is: 'settling'
      pending: PendingSettlement
      isInHand: boolean
      end?: RunEnd
    }

/** A generation: its run, the orders beside it, and all that wait for its end. */
export interface State {
  phase: Phase
  places: readonly QueuePlace[]
  subscribers: readonly Subscriber[]
}

export const isSamePayer = (one: Payer, other: Payer): boolean => one.team === other.team && one.key === other.key

/** The subscribers of a payer that do not leave. */
const staying = ({ subscribers }: State, payer: Payer): Subscriber[] =>
  subscribers.filter(({ task, leaving }) => !leaving && isSamePayer(task.payer, payer))

/** Whether a client, a job or a webhook of a payer waits for the end. */
export const isWantedBy = (state: State, payer: Payer): boolean => staying(state, payer).length > 0

/** Whether a client or job of a payer may wait in the queue of its team. */
export const mayWait = (state: State, payer: Payer): boolean => staying(state, payer).some(({ isPatient }) => isPatient)

/** Whether a job or a webhook waits for the end. */
export const isAwaited = ({ subscribers }: State): boolean => subscribers.some(({ kind }) => kind !== 'client')

/** Whether a job waits for the end. */
export const hasJob = ({ subscribers }: State): boolean => subscribers.some(({ kind }) => kind === 'job')

/** Whether the request of a task is a job. */
export const isOfJob = ({ subscribers }: State, { requestId }: Task): boolean =>
  subscribers.some(({ kind, task }) => kind === 'job' && task.requestId === requestId)

/** The run of a phase; undefined before it begins and after its outcome. */
export const runOf = ({ phase }: State): Run | undefined => ('run' in phase ? phase.run : undefined)

/** Whether a reservation is in use, or its settlement is on its way. */
export function holds({ phase }: State, reservation: string): boolean {
  if (phase.is === 'settling') return phase.pending.settlement.id === reservation
  return 'run' in phase && phase.is !== 'queued' && phase.run.reservation === reservation
}

/** Whether the order of a request waits for the first answer of its team. */
export const isAsking = ({ phase, places }: State, requestId: string): boolean =>
  (phase.is === 'reserving' && phase.isInHand && phase.run.task.requestId === requestId) ||
  places.some(({ task, stands }) => stands.is === 'asked' && task.requestId === requestId)

/** Whether a run has its outcome, and its clients are about to hear of it. */
export const isEnding = ({ phase }: State): boolean => phase.is === 'ending' || phase.is === 'settling'

/** Whether a run of a team is being cancelled. */
export function isBeingCancelled({ phase }: State, team: string): boolean {
  if (!('run' in phase) || phase.run.task.payer.team !== team) return false
  if (phase.is === 'queued') return phase.leaving === 'cancelled'
  return phase.is !== 'ending' && phase.isCancelled === true
}

/** Whether a run or a place, which may become one, needs the input pictures of a task. */
export const needsInputsOf = (state: State, { requestId }: Task): boolean =>
  [runOf(state), ...state.places].some((order) => order?.task.requestId === requestId)

/** The task of the next run, and whether the refusal of its team answers a client. Undefined without demand. */
export function nextDemand({ subscribers }: State): { task: Task; reports: boolean } | undefined {
  for (const kind of ['job', 'hook', 'client'] as const) {
    const next = subscribers.find((each) => each.kind === kind && !each.leaving)
    if (next) return { task: next.task, reports: kind === 'client' }
  }
  return undefined
}
