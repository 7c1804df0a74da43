import { unwrap } from '../errors'
import { describe, log } from '../log'
import { reach } from '../reach'
import { placeOfKey } from '../store/images'
import type { Generation } from './generation'
import type { Obtained, Task } from './task'

type Generations = DurableObjectNamespace<Generation>

/** Asks a generation for its answer; one that went away meanwhile knows what it was doing. Throws GatewayError. */
export const obtain = async (generations: Generations, task: Task, madeSinceMs: number): Promise<Obtained> =>
  unwrap(await reach(async () => await generations.getByName(task.id).obtain(task, madeSinceMs)))

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
  const place = placeOfKey(key)
  if (place) await reach(async () => await generations.getByName(place.generation).forget(place.generation, place.run))
}

/** Has a generation forget its answer. Throws GatewayError. */
export const forgetGeneration = (generations: Generations, id: string): Promise<void> =>
  reach(async () => await generations.getByName(id).forget(id))
