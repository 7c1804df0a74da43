import type { Failure } from '../failures/errors'
import type { Entry, Order, Settlement } from '../ledger/entry'
import {
  type LimitRefusal,
  type QueueScope,
  refuseForGood,
  refuseGeneration,
  refuseQueueing,
} from '../limits/admission'
import { type LimitScope, type LimitStatus, limitStatusesOf } from '../limits/limit-status'

/** The decision on a called order: its money is reserved, or it is refused. */
export interface OrderVerdict {
  refusal?: Failure | undefined
}

/** The stored state of one order. */
export interface OrderState {
  /** Its row in the queue, without a verdict while it waits. A called order keeps its row until its object is notified. */
  row: { place: number; verdict: OrderVerdict | undefined } | undefined
  /** The status of its entry in the ledger. */
  status: Entry['status'] | undefined
}

/** The limits on one order and their use. The transition reads a field only if it decides by it. */
export interface OrderLimits {
  /** The refusal of an order before it in the queue, if that holds up this one too. */
  readonly heldUp: LimitRefusal | undefined
  /** The refusal by the key, the model or the size: no use of limits matters. */
  readonly disallowed: Failure | undefined
  readonly scopes: readonly LimitScope[]
  readonly queues: readonly QueueScope[]
  /** The estimated ms until a running generation finishes. */
  readonly freeMs: number
}

/** An order that needs a decision by its limits. */
interface AskingEvent {
  order: Order
  limits: OrderLimits
}

/** `reached` is the event of a pass through the queue. `place` names the row of the delivered verdict. */
export type OrderEvent =
  | (AskingEvent & { type: 'asked'; mayWait: boolean })
  | (AskingEvent & { type: 'reached' })
  | { type: 'withdrawn'; id: string }
  | { type: 'notified'; id: string; place: number; isWanted: boolean }
  | { type: 'settled'; settlement: Settlement }

/**
 * `open` reserves money, `close` ends that. `call` is a row of the outbox, and `remove` deletes any row. `advance` is a
 * pass through the queue, since others may have room.
 */
export type OrderEffect =
  | { type: 'open' | 'extend' | 'enqueue'; order: Order }
  | { type: 'call'; id: string; verdict: OrderVerdict }
  | { type: 'remove'; id: string }
  | { type: 'close'; settlement: Settlement }
  | { type: 'advance' }

/** The outcome of an event for its sender. */
export type OrderOutcome =
  | { type: 'reserved' | 'ended' | 'unchanged' }
  | { type: 'refused'; failure: Failure }
  | { type: 'heldUp'; refusal: LimitRefusal }

export interface OrderStep {
  outcome: OrderOutcome
  effects: readonly OrderEffect[]
}

/** The refusals that hold up orders in one pass through the queue: all orders, or those of a key. */
export interface QueuePass {
  team: LimitRefusal | undefined
  keys: ReadonlyMap<string, LimitRefusal>
}
export const NEW_PASS: QueuePass = { team: undefined, keys: new Map() }

/** The pass after the outcome of an order. */
export function passAfter(pass: QueuePass, { key }: Order, outcome: OrderOutcome): QueuePass {
  if (outcome.type !== 'heldUp') return pass
  const { refusal } = outcome
  return refusal.heldUpBy === 'key'
    ? { ...pass, keys: new Map([...pass.keys, [key, refusal]]) }
    : { ...pass, team: refusal }
}

/** The effects of an event on an order. A repeated event has none, apart from a longer reservation. */
export function orderTransition(state: OrderState, event: OrderEvent, nowMs: number): OrderStep {
  switch (event.type) {
    case 'asked':
      return asked(state, event, nowMs)
    case 'reached':
      return reached(state, event, nowMs)
    case 'withdrawn':
      return isWaiting(state) ? step('ended', { type: 'remove', id: event.id }, ADVANCE) : step('unchanged')
    case 'notified':
      return notified(state, event)
    case 'settled': {
      const { settlement } = event
      return isUnsettled(state) ? step('ended', { type: 'close', settlement }, ADVANCE) : step('unchanged')
    }
  }
}

const isWaiting = ({ row }: OrderState): boolean => row !== undefined && row.verdict === undefined
const isUnsettled = ({ status }: OrderState): boolean => status === 'running' || status === 'expired'
/** Whether an order has neither its money nor a settlement. */
const lacksMoney = ({ status }: OrderState): boolean => status === undefined || status === 'expired'

function asked(state: OrderState, event: OrderEvent & { type: 'asked' }, nowMs: number): OrderStep {
  const { order, mayWait, limits } = event
  const { row, status } = state
  if (status === 'running')
    return limits.disallowed ? refused(limits.disallowed) : step('reserved', { type: 'extend', order })
  // A verdict is repeated, also after the settlement. One for money that expired is void.
  if (row?.verdict?.refusal) return refused(row.verdict.refusal)
  if (!lacksMoney(state)) return step('reserved')
  const isQueued = isWaiting(state)
  const remove: OrderEffect[] = row ? [{ type: 'remove', id: order.id }] : []
  // A full team stops the queue before this order's own limits are looked at.
  const never = isQueued ? undefined : refuseAlways(event, nowMs)
  if (never) return refused(never, ...remove)
  const refusal = refuse(state, event, nowMs)
  if (!refusal) return step('reserved', ...remove, ...opening(state, order))
  const { failure, heldUpBy } = refusal
  const isLast = mayWait && heldUpBy ? !isQueued && refuseQueueing(limits.queues, failure) : failure
  if (isLast) return refused(isLast, ...remove, ...(isQueued ? [ADVANCE] : []))
  return { outcome: { type: 'heldUp', refusal }, effects: isQueued ? [] : [...remove, { type: 'enqueue', order }] }
}

function reached(state: OrderState, event: OrderEvent & { type: 'reached' }, nowMs: number): OrderStep {
  const { order } = event
  if (!isWaiting(state)) return step('unchanged')
  const refusal = refuse(state, event, nowMs)
  if (refusal?.heldUpBy) return { outcome: { type: 'heldUp', refusal }, effects: [] }
  const call: OrderEffect = { type: 'call', id: order.id, verdict: { refusal: refusal?.failure } }
  return refusal ? refused(refusal.failure, call) : step('reserved', ...opening(state, order), call)
}

function notified(state: OrderState, { id, place, isWanted }: OrderEvent & { type: 'notified' }): OrderStep {
  const { row } = state
  if (!row?.verdict || row.place !== place) return step('unchanged')
  if (isWanted || row.verdict.refusal || !isUnsettled(state)) return step('ended', { type: 'remove', id })
  const settlement: Settlement = { id, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined }
  return step('ended', { type: 'remove', id }, { type: 'close', settlement }, ADVANCE)
}

/** The refusal of an order that key and limits never allow, even unused. */
function refuseAlways({ order, limits }: AskingEvent, nowMs: number): Failure | undefined {
  const { images, quote } = order
  const statuses = (): LimitStatus[] => limits.scopes.flatMap((scope) => limitStatusesOf(scope, nowMs))
  return limits.disallowed ?? refuseForGood(statuses(), { images, quote })
}

/** The refusal of an order now; undefined if its money may be held, or was held and settled. */
function refuse(state: OrderState, { order, limits }: AskingEvent, nowMs: number): LimitRefusal | undefined {
  const { images, quote } = order
  if (limits.heldUp) return limits.heldUp
  if (limits.disallowed) return { failure: limits.disallowed }
  if (!lacksMoney(state)) return undefined
  return refuseGeneration(limits.scopes, { images, quote }, () => limits.freeMs, nowMs)
}

const opening = (state: OrderState, order: Order): OrderEffect[] => (lacksMoney(state) ? [{ type: 'open', order }] : [])

const ADVANCE: OrderEffect = { type: 'advance' }
const step = (type: 'reserved' | 'ended' | 'unchanged', ...effects: OrderEffect[]): OrderStep => ({
  outcome: { type },
  effects,
})
const refused = (failure: Failure, ...effects: OrderEffect[]): OrderStep => ({
  outcome: { type: 'refused', failure },
  effects,
})
