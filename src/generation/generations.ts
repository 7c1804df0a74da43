import { type Failure, unwrap } from '../runtime/errors'
import { describe, log } from '../runtime/log'
import { callObject } from '../runtime/call-object'
import { runOfKey } from '../store/images'
import type { OnProgress } from './subscribers'
import type { Generation, Seen } from './generation'
import type { Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Obtained, Task } from './task'

type Generations = DurableObjectNamespace<Generation>

/** Asks a generation for its answer; one that went away meanwhile knows what it was doing. Throws GatewayError. */
export const obtain = async (
  generations: Generations,
  ask: GenerateOptions,
  onGlimpse: OnProgress | undefined,
): Promise<Obtained> =>
  unwrap(await callObject(async () => await generations.getByName(ask.task.id).obtain(ask, onGlimpse)))

/** Hands a generation off as a job; one that is there already comes with its record. Throws GatewayError. */
export const submit = async (generations: Generations, ask: GenerateOptions, form: JobForm): Promise<Seen> =>
  unwrap(await callObject(async () => await generations.getByName(ask.task.id).submit(ask, form)))

/** A generation as a team may see it; undefined where it knows nothing of that. Throws GatewayError. */
export const see = (generations: Generations, id: string, team: string): Promise<Seen | undefined> =>
  callObject(async () => await generations.getByName(id).see(team))

/** Has a generation stopped for a team, and tells how it stands then. Throws GatewayError. */
export const cancel = (generations: Generations, id: string, team: string): Promise<Snapshot | undefined> =>
  callObject(async () => await generations.getByName(id).cancel(team))

/** Has a generation tell a failure to who asks again, since nobody could be told; failing that, it is made anew. */
export async function remember(generations: Generations, { id, payer }: Task, failure: Failure): Promise<void> {
  try {
    await callObject(async () => await generations.getByName(id).remember(failure, payer))
  } catch (error) {
    log('failure-not-remembered', { generation: id, ...describe(error) })
  }
}

/** Has a generation send one of its events once more; false where it is no longer kept. Throws GatewayError. */
export const redeliver = (generations: Generations, id: string, event: string): Promise<boolean> =>
  callObject(async () => await generations.getByName(id).redeliver(event))

/** Has the generation of an image that is gone forget it. Failing that, its record is given until it expires. */
export async function forget(generations: Generations, key: string): Promise<void> {
  try {
    await forgetImage(generations, key)
  } catch (error) {
    log('record-not-forgotten', { key, ...describe(error) })
  }
}

/** Has the generation of an image forget the answer that it is in. Throws GatewayError. */
export async function forgetImage(generations: Generations, key: string): Promise<void> {
  const place = runOfKey(key)
  if (place)
    await callObject(async () => await generations.getByName(place.generation).forget(place.generation, place.run))
}

/** Has a generation forget its answer. Throws GatewayError. */
export const forgetGeneration = (generations: Generations, id: string): Promise<void> =>
  callObject(async () => await generations.getByName(id).forget(id))

/** Has a generation forget the job of a team. Throws GatewayError. */
export const forgetJob = (generations: Generations, id: string, team: string): Promise<void> =>
  callObject(async () => await generations.getByName(id).forgetJob(team))
