import { type Failure, type Result, failed } from '../failures/errors'
import { ANSWER_MS } from '../runtime/call-object'
import { describe, log } from '../runtime/log'
import { MAX_KEPT_PROMPT, type Order, type Settlement, type QueuedOrder } from '../ledger/entry'
import { askTeam } from '../team/ask-team'
import type { PendingSettlement, QueuePlace, RunRow } from './generation-store'
import type { RunPlan } from './run-plan'
import { begun, ended, type Notice } from './snapshot'
import type { RunOutcome, Spending, Task } from './task'

/** The life of a reservation beyond the time of its upstreams, in ms. An expired reservation can still be settled. */
const RESERVATION_GRACE_MS = 120_000

/** The order of a run that waits up to `patienceMs` for a busy upstream. */
export function runOrder(
  { task, reservation }: RunRow,
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

/** The settlement of a reservation without a run. */
export const releaseOf = ({ task, reservation }: QueuePlace): PendingSettlement => ({
  team: task.payer.team,
  settlement: { id: reservation, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined },
})

/** Reserves money at the payer's team, or a place in its queue. Never throws. */
export async function reserve(
  env: Env,
  { payer }: Pick<Task, 'payer'>,
  order: Order,
  mayWait: boolean,
): Promise<Result<QueuedOrder | undefined>> {
  try {
    const untilMs = Date.now() + ANSWER_MS
    return await askTeam(env, payer.team, async (team) => await team.reserve(order, mayWait, untilMs))
  } catch (error) {
    log('team-unreachable', { generation: order.generation, team: payer.team, ...describe(error) })
    return failed(TEAM_UNREACHABLE)
  }
}

/** Gives up a place in the queue; false once its turn has come, or for an unreachable team. Never throws. */
export async function withdraw(env: Env, { task, reservation }: QueuePlace): Promise<boolean> {
  const { payer, id } = task
  try {
    return await askTeam(env, payer.team, async (team) => await team.withdraw(reservation))
  } catch (error) {
    log('team-unreachable', { generation: id, team: payer.team, ...describe(error) })
    return false
  }
}

/** The reservation may exist, so it has to be settled. */
export const TEAM_UNREACHABLE: Failure = {
  code: 'unavailable',
  message: 'The gateway could not reach the object that keeps your budget. Try again in a moment.',
  retryAfterMs: 1000,
}

/** The spending of a run that has called no upstream. */
const NOTHING: Spending = { cost: 0, estimated: 0, taken: 0 }

/** The settlement of a run for the team that pays; times are in ms since 1970. */
export function pendingSettlementOf(
  { task, reservation, createdMs }: RunRow,
  { made, attempts, last, arrived, route, spending = NOTHING }: RunOutcome,
  startedMs: number | undefined,
  endedMs: number,
): PendingSettlement & { notice: Notice } {
  const record = made.ok ? made.value : arrived
  const { cost, estimated, taken } = spending
  const failure = made.ok ? undefined : made.failure.code
  const settlement: Settlement = {
    id: reservation,
    attempts,
    cost,
    estimated,
    route,
    images: record?.images.map(({ key }) => key) ?? [],
    upstream: record ? { ...record.upstream, model: record.model } : last,
    size: record?.size,
    quality: record?.quality,
    usage: record?.usage,
    ...(failure === undefined ? {} : { failure }),
    ...(failure === 'cancelled' ? { taken } : {}),
  }
  const stood = begun(task, { status: 'running', createdMs, startedMs })
  const snapshot = ended(stood, { made, arrived, cost, estimated, endedMs })
  const { origin, payer } = task
  return { team: payer.team, settlement, notice: { id: `evt_${reservation}`, task: { origin, payer }, snapshot } }
}

/** Settles with a team, and reports whether it has a webhook; undefined for an unreachable team. */
export async function settle(
  env: Env,
  { team, settlement }: PendingSettlement,
): Promise<{ webhook: boolean } | undefined> {
  try {
    return await askTeam(env, team, async (stub) => await stub.settle(settlement))
  } catch (error) {
    log('settlement-delayed', { run: settlement.id, team, ...describe(error) })
    return undefined
  }
}
