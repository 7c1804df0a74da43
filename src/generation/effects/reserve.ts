import { ANSWER_MS } from '../../runtime/call-object'
import { describe, log } from '../../runtime/log'
import type { Failure } from '../../failures/errors'
import { MAX_KEPT_PROMPT, type Order, type Payer } from '../../ledger/entry'
import { askTeam } from '../../team/ask-team'
import type { Held } from '../outcome'
import type { RunPlan } from '../plan'
import type { PlacedOrder } from '../state'

/** The life of a reservation beyond the time of its upstreams, in ms. An expired reservation can still be settled. */
const RESERVATION_GRACE_MS = 120_000

/** The order of a run that waits up to `patienceMs` for a busy upstream, in the words of the ledger. */
export function ledgerOrder(
  { task, reservation }: PlacedOrder,
  { quote, startWindowMs, longestCallMs }: RunPlan,
  patienceMs: number,
): Order {
  const { id, requestId, payer, request } = task
  return {
    id: reservation,
    generation: id,
    request: requestId,
    key: payer.key,
    model: request.model,
    operation: request.operation,
    prompt: request.prompt.slice(0, MAX_KEPT_PROMPT),
    images: request.n,
    size: request.crop ?? request.size,
    quote,
    holdMs: patienceMs + startWindowMs + longestCallMs + RESERVATION_GRACE_MS,
  }
}

/** The manner of an order. */
interface OrderManner {
  /** Whether it may have a place in the queue. */
  couldWait: boolean
  /** Whether its request is a job, which the team is to know. */
  isJob: boolean
}

/** Reserves money at the payer's team, or a place in its queue. Never throws. */
export async function reserve(env: Env, payer: Payer, order: Order, { couldWait, isJob }: OrderManner): Promise<Held> {
  try {
    const untilMs = Date.now() + ANSWER_MS
    const held = await askTeam(env, payer.team, async (team) => await team.reserve(order, couldWait, untilMs, isJob))
    if (!held.ok) return { is: 'refused', failure: held.failure }
    const { facts, leavesRoom } = held
    if (held.value) return { is: 'queued', instead: held.value.instead, facts }
    return { is: 'reserved', facts, ...(leavesRoom ? { leavesRoom } : {}) }
  } catch (error) {
    log('team-unreachable', { generation: order.generation, team: payer.team, ...describe(error) })
    return { is: 'unreachable', failure: TEAM_UNREACHABLE }
  }
}

/** Gives up a place in the queue; false once its turn has come, or for an unreachable team. Never throws. */
export async function withdraw(env: Env, { task, reservation }: PlacedOrder): Promise<boolean> {
  const { payer, id } = task
  try {
    return await askTeam(env, payer.team, async (team) => await team.withdraw(reservation))
  } catch (error) {
    log('team-unreachable', { generation: id, team: payer.team, ...describe(error) })
    return false
  }
}

const TEAM_UNREACHABLE: Failure = {
  code: 'unavailable',
  message: 'The gateway could not reach the object that keeps your budget. Try again in a moment.',
  retryAfterMs: 1000,
}
