import { type Failure, GatewayError } from './errors'

/**
 * Asks a Durable Object, and once more where it went away meanwhile (a deploy, a crash): so `ask` takes a stub of its own
 * each time, and asks for something that may be asked twice. Throws GatewayError `unavailable`.
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

/** An object with too much to do is not helped by being asked again. */
const isOverloaded = (error: unknown): boolean =>
  error instanceof Error && 'overloaded' in error && error.overloaded === true
