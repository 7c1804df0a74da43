import { type Failure, GatewayError } from '../failures/errors'

/**
 * Calls a Durable Object, and retries once after a failure such as a deploy or a crash. So `ask` takes a new stub each
 * time and may run twice. Throws GatewayError `unavailable`.
 */
export async function callObject<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (isOverloaded(error)) throw new GatewayError(UNREACHABLE, { cause: error })
  }
  try {
    return await ask()
  } catch (error) {
    throw new GatewayError(UNREACHABLE, { cause: error })
  }
}

const UNREACHABLE: Failure = {
  code: 'unavailable',
  message: 'The gateway could not reach one of its objects. Try again in a moment.',
  retryAfterMs: 1000,
}

/** A retry would only add to the load of an overloaded object. */
const isOverloaded = (error: unknown): boolean =>
  error instanceof Error && 'overloaded' in error && error.overloaded === true
