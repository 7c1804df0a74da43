import { type Failure, GatewayError, unwrap } from '../errors'
import { describe, log } from '../log'
import { placeOfKey } from '../store/images'
import type { Generation, Obtained } from './generation'
import type { Task } from './run'

const UNREACHABLE: Failure = {
  code: 'unavailable',
  message: 'The gateway could not reach the object that makes this image. Try again in a moment.',
  retryAfterMs: 1000,
}

/**
 * Asks a generation for its answer. An object that goes away meanwhile (a deploy, a crash) is asked once more: it knows
 * what it was doing. Throws GatewayError.
 */
export async function obtain(
  generations: DurableObjectNamespace<Generation>,
  task: Task,
  madeSinceMs: number,
): Promise<Obtained> {
  const ask = async (): Promise<Obtained> => unwrap(await generations.getByName(task.id).obtain(task, madeSinceMs))
  try {
    return await ask()
  } catch (error) {
    if (error instanceof GatewayError) throw error
    if (isOverloaded(error)) throw new GatewayError(UNREACHABLE, { cause: error })
  }
  try {
    return await ask()
  } catch (error) {
    throw error instanceof GatewayError ? error : new GatewayError(UNREACHABLE, { cause: error })
  }
}

/** Has the generation of an image that is gone forget it. Failing that, its record is given until it expires. */
export async function forget(generations: DurableObjectNamespace<Generation>, key: string): Promise<void> {
  const place = placeOfKey(key)
  if (!place) return
  try {
    await generations.getByName(place.generation).forget(place.generation, place.run)
  } catch (error) {
    log('record-not-forgotten', { key, ...describe(error) })
  }
}

/** An object with too much to do is not helped by being asked again. */
const isOverloaded = (error: unknown): boolean =>
  error instanceof Error && 'overloaded' in error && error.overloaded === true
