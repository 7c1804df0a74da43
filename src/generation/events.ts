import type { Failure } from '../failures/errors'
import type { JobFacts } from '../ledger/entry'
import type { Ended, Held, PendingSettlement, RunOutcome } from './outcome'
import type { Progress } from './progress'
import type { Notice } from './snapshot'
import type { PlacedOrder, Run, Subscriber } from './state'
import type { Task } from './task'

/** An event in the life of a generation. */
export type GenerationEvent =
  /** A request asks for the images, and adds its subscribers. */
  | { is: 'asked'; task: Task; subscribers: readonly Subscriber[] }
  /** The team has answered an order, which could wait or not. */
  | { is: 'answered'; reservation: string; couldWait: boolean; held: Held }
  /** The team calls at the turn of an order; a refusal ends the order. */
  | { is: 'turnCame'; reservation: string; refusal: Failure | undefined }
  /** The team has answered a withdrawal. `isOut` is false if the turn had come, or the team is unreachable. */
  | { is: 'withdrawn'; reservation: string; isOut: boolean }
  | { is: 'progressed'; run: string; progress: Progress }
  /** The calls of a run have ended. `startedMs` is the start of its last call in this process, else of its first. */
  | { is: 'made'; run: string; outcome: RunOutcome; startedMs: number | undefined }
  /** The team has confirmed a settlement, or not in time. */
  | { is: 'settled'; reservation: string; confirmed: { webhook: boolean } | undefined }
  /** A team cancels its run, or its part in that of another team. */
  | { is: 'cancelled'; team: string }
  /** A request hangs up, or the patience of a client for the queue is over. */
  | { is: 'left'; client: { request: string } | { id: string }; failure: Failure | undefined }
  /** An error of the gateway has ended an effect on an order. */
  | { is: 'broke'; reservation: string; effect: BreakableEffect }
  /** A process looks after a run without a process, for a request or by the alarm. */
  | { is: 'recovered'; forRequest: boolean }
  /** The alarm repeats what a lost call left undone. */
  | { is: 'rang' }

/** The effects with answers: each can end by an error of the gateway. */
export type BreakableEffect = 'reserve' | 'withdraw' | 'generate' | 'abandon' | 'settle'

/** An event of one kind. */
export type EventOf<Kind extends GenerationEvent['is']> = Extract<GenerationEvent, { is: Kind }>

/** A consequence of an event. Each effect repeats without harm: its receiver knows the reservation, the run or the id. */
export type GenerationEffect =
  | { do: 'reserve'; order: PlacedOrder; couldWait: boolean }
  | { do: 'withdraw'; order: PlacedOrder }
  /** Makes the images of a run with reserved money. */
  | { do: 'generate'; run: Run }
  /** Ends the calls of a dead process. Its stored images are the result, unless the failure is a cancellation. */
  | { do: 'abandon'; run: Run; failure: Failure | undefined }
  /** Stops the calls of this process. */
  | { do: 'stop'; failure: Failure }
  /** Keeps the answer of a run, cleans up after it, and ends jobs and URLs by their ids. */
  | { do: 'end'; run: Run; outcome: RunOutcome; receivers: readonly string[]; conclusion: EndFacts }
  /** Ends the job of a task and its URLs, by their ids, while the run goes on. */
  | { do: 'dismiss'; task: Task; receivers: readonly string[]; failure: Failure }
  | { do: 'settle'; pending: PendingSettlement }
  /** Stores a settlement, which the alarm repeats until its team confirms. */
  | { do: 'owe'; pending: PendingSettlement; isDue: boolean }
  /** Sends the notice of a settlement to the webhook of its team. */
  | { do: 'announce'; notice: Notice }
  /** Tells clients the end. */
  | { do: 'tell'; clients: readonly string[]; ended: Ended }
  /** Tells watchers the end of a run, and forgets its previews. */
  | { do: 'close'; ended: Ended }
  /** Reports the first answer of the team to a request's order, with the facts of a job. */
  | { do: 'report'; request: string; refusal: Failure | undefined; facts?: JobFacts | undefined }
  /** Removes jobs and URLs without an end, by their ids. The refusal of a task is its answer. */
  | { do: 'drop'; receivers: readonly string[]; refused?: Task }

/** An effect of one kind. */
export type EffectOf<Kind extends GenerationEffect['do']> = Extract<GenerationEffect, { do: Kind }>

/** The facts of a run's end for its receivers; times are in ms since 1970, amounts in micro-USD. */
interface EndFacts {
  startedMs: number | undefined
  endedMs: number
  /** Whether the settlement notifies the team's webhook. */
  isSettled: boolean
}
