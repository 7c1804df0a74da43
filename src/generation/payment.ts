import type { Model } from '../catalog/model'
import { pricesFor } from '../catalog/models'
import { cost, quote } from '../catalog/quote'
import type { Config } from '../config'
import { type Failure, type Result, failed } from '../errors'
import type { ImageRecord } from '../image/record'
import type { ImageRequest } from '../image/request'
import { describe, log } from '../log'
import type { Order, Settlement, Waiting } from '../team/entry'
import { askTeam } from '../team/teams'
import type { Upstream } from '../providers/provider'
import { candidates } from '../upstreams/choose'
import type { Owed, RunRow } from './memory'
import { begun, ended, type Notice } from './snapshot'
import type { Outcome, Task } from './task'

/** Beyond what its upstreams may take; a reservation that expires is settled all the same. */
const GRACE_MS = 120_000

/** What a run is going to do, at the price of the dearest upstream that may serve it and for as long as all may take. */
export function orderOf({ task, reservation }: RunRow, config: Config): Order {
  const { id, requestId, payer, request } = task
  const able = candidates(config.upstreams, request.model)
  const model = config.catalogue(request.model)
  const quotes = able.map(({ upstream }) => quoted(upstream, request, model))
  const longestMs = Math.max(0, ...able.map(({ upstream }) => upstream.timeoutMs))
  const allMs = able.reduce((sum, { upstream }) => sum + upstream.timeoutMs, 0)
  return {
    id: reservation,
    generation: id,
    request: requestId,
    key: payer.key,
    model: request.model,
    operation: request.operation,
    prompt: request.prompt,
    images: request.n,
    size: request.size,
    quote: quotes.every((each) => each !== undefined) ? Math.max(0, ...quotes) : undefined,
    holdMs: allMs + longestMs + GRACE_MS,
  }
}

/** A stand-in asks nobody, and nobody pays for it. */
const quoted = ({ standIn, prices }: Upstream, request: ImageRequest, model: Model): number | undefined =>
  standIn ? 0 : quote(request, model, pricesFor(request.model, prices))

/** Has the payer's team hold the money, or wait for its turn, if it may. Never throws. */
export async function reserve(
  env: Env,
  { payer }: Pick<Task, 'payer'>,
  order: Order,
  mayWait: boolean,
): Promise<Result<Waiting | undefined>> {
  try {
    return await askTeam(env, payer.team, async (team) => await team.reserve(order, mayWait))
  } catch (error) {
    log('team-unreachable', { generation: order.generation, team: payer.team, ...describe(error) })
    return failed(TEAM_UNREACHABLE)
  }
}

/** Gives up a run's place in the queue; false where its turn has come, or nobody can tell. Never throws. */
export async function withdraw(env: Env, { task, reservation }: RunRow): Promise<boolean> {
  const { payer, id } = task
  try {
    return await askTeam(env, payer.team, async (team) => await team.withdraw(reservation))
  } catch (error) {
    log('team-unreachable', { generation: id, team: payer.team, ...describe(error) })
    return false
  }
}

/** Nobody knows whether the money is held, so that it is to be let go of. */
export const TEAM_UNREACHABLE: Failure = {
  code: 'unavailable',
  message: 'The gateway could not reach the object that keeps your budget. Try again in a moment.',
  retryAfterMs: 1000,
}

/** A record with what it cost, at the prices of the upstream that served it. */
export function priced(record: ImageRecord, { request }: Task, config: Config): ImageRecord {
  const { name, account } = record.upstream
  const upstream = config.upstreams.find((each) => each.name === name && each.account === account)
  if (upstream?.standIn) return { ...record, cost: 0 }
  const made = { ...record, images: record.images.length }
  const prices = upstream && pricesFor(request.model, upstream.prices)
  return { ...record, cost: cost(made, request, config.catalogue(request.model), prices) }
}

/** What a run came to, for the team that pays; times are ms since 1970. */
export function owedFor(
  { task, reservation, createdMs }: RunRow,
  { made, attempts, last, arrived }: Outcome,
  startedMs: number | undefined,
  endedMs: number,
): Owed & { notice: Notice } {
  const record = made.ok ? made.value : arrived
  const cost = record ? record.cost : 0
  const settlement: Settlement = {
    id: reservation,
    attempts,
    cost,
    images: record?.images.map(({ key }) => key) ?? [],
    upstream: record ? { ...record.upstream, model: record.model } : last,
    size: record?.size,
    quality: record?.quality,
    usage: record?.usage,
    ...(made.ok ? {} : { failure: made.failure.code }),
  }
  const stood = begun(task, { status: 'running', createdMs, startedMs })
  const snapshot = ended(stood, { made, arrived, cost, endedMs })
  return { team: task.payer.team, settlement, notice: { id: `evt_${reservation}`, task, snapshot } }
}

/** Tells a team what is owed, and hears whether it has a webhook; undefined where it could not be reached. */
export async function settle(env: Env, { team, settlement }: Owed): Promise<{ webhook: boolean } | undefined> {
  try {
    return await askTeam(env, team, async (stub) => await stub.settle(settlement))
  } catch (error) {
    log('settlement-delayed', { run: settlement.id, team, ...describe(error) })
    return undefined
  }
}
