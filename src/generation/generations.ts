import { type Failure, unwrap } from '../failures/errors'
import { describe, log } from '../runtime/log'
import { callObject, callObjectForLong } from '../runtime/call-object'
import { runOfKey } from '../store/images'
import { noteRemoved } from '../store/records'
import type { OnProgress } from './clients'
import type { Generation } from './generation'
import type { PendingSettlement } from './outcome'
import type { SeenGeneration, AcceptedJob } from './seen'
import type { Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Obtained, Task } from './task'

type Generations = DurableObjectNamespace<Generation>

/** The time for a reply, in ms: an ending run settles first, and a new one asks its team. */
const END_MS = 40_000

/** Asks a generation for its answer; an object that restarts resumes its work. Throws GatewayError. */
export async function obtain(
  generations: Generations,
  options: GenerateOptions,
  onProgress: OnProgress | undefined,
): Promise<Obtained> {
  const { id, payer } = options.task
  const made = await callObjectForLong(
    async () => await generations.getByName(id).obtain(options, onProgress),
    async () => await generations.getByName(id).see(payer.team),
  )
  return unwrap(made)
}

/** Submits a generation as a job; a finished one comes with its record. Throws GatewayError. */
export const submit = async (generations: Generations, options: GenerateOptions, form: JobForm): Promise<AcceptedJob> =>
  unwrap(await callObject(async () => await generations.getByName(options.task.id).submit(options, form), END_MS))

/** Tells a generation that the client of a request has hung up. Never throws. */
export async function hangUp(generations: Generations, { id, requestId }: Task): Promise<void> {
  try {
    await callObject(async () => await generations.getByName(id).hangUp({ requestId }))
  } catch (error) {
    log('hang-up-not-noticed', { generation: id, request: requestId, ...describe(error) })
  }
}

/**
 * A generation for a team, or the answer to one request of its jobs. Undefined for a team without a part in it. Throws
 * GatewayError.
 */
export const see = (
  generations: Generations,
  id: string,
  team: string,
  request?: string,
): Promise<SeenGeneration | undefined> => callObject(async () => await generations.getByName(id).see(team, request))

/** Follows the answer to a request of a team's jobs to its end. Throws GatewayError. */
export const follow = (
  generations: Generations,
  id: string,
  team: string,
  request: string,
  onProgress: OnProgress,
): Promise<SeenGeneration | undefined> =>
  callObjectForLong(
    async () => await generations.getByName(id).follow(team, request, onProgress),
    async () => await generations.getByName(id).see(team),
  )

/** Cancels a generation for a team, and returns its status. Throws GatewayError. */
export const cancel = (generations: Generations, id: string, team: string): Promise<Snapshot | undefined> =>
  callObject(async () => await generations.getByName(id).cancel(team), END_MS)

/** Stores a failure for the retry. Without that, the retry starts a new run. Never throws. */
export async function remember(generations: Generations, { id, payer }: Task, failure: Failure): Promise<void> {
  try {
    await callObject(async () => await generations.getByName(id).remember(failure, payer), END_MS)
  } catch (error) {
    log('failure-not-remembered', { generation: id, ...describe(error) })
  }
}

/** Has an object settle with a team until it confirms. Without that, the team books an estimate. Never throws. */
export async function settleLater(generations: Generations, id: string, pending: PendingSettlement): Promise<void> {
  try {
    await callObject(async () => await generations.getByName(id).owe(pending))
  } catch (error) {
    log('settlement-lost', { generation: id, run: pending.settlement.id, ...describe(error) })
  }
}

/** Waits for the settlement of a generation, if one is under way. Throws GatewayError. */
export const restSettled = (generations: Generations, id: string): Promise<void> =>
  callObject(async () => await generations.getByName(id).restSettled(), END_MS)

/** Sends an event of a generation once more; false for an event that has expired. Throws GatewayError. */
export const redeliver = (generations: Generations, id: string, event: string): Promise<boolean> =>
  callObject(async () => await generations.getByName(id).redeliver(event))

/**
 * Removes the answer with a missing image; false if that failed, and the answer is served until it expires. Never
 * throws.
 */
export async function forget(env: Env, key: string): Promise<boolean> {
  try {
    await forgetImage(env, key)
    return true
  } catch (error) {
    log('record-not-forgotten', { key, ...describe(error) })
    return false
  }
}

/** Removes the answer with an image. Throws GatewayError. */
export async function forgetImage(env: Env, key: string): Promise<void> {
  const place = runOfKey(key)
  if (place) await forgetGeneration(env, place.generation, place.run)
}

/** Removes the answer of a generation, or that of one run alone. Throws GatewayError. */
export async function forgetGeneration(env: Env, id: string, run?: string): Promise<void> {
  await callObject(async () => await env.GENERATIONS.getByName(id).forget(id, run))
  noteRemoved(env, id)
}

/** Removes the ended job of a team. Throws GatewayError. */
export const forgetJob = (generations: Generations, id: string, team: string): Promise<void> =>
  callObject(async () => await generations.getByName(id).forgetJob(team))
