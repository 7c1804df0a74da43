import { type Failure, GatewayError } from '../failures/errors'
import { pause, withDeadline } from './deadline'

/** The time for a reply, in ms. */
const REPLY_MS = 10_000
/** The time in which a reply of `callObject` comes or never counts, in ms: it asks twice. */
export const ANSWER_MS = 2 * REPLY_MS
/** The time between two signs of life during a long call, in ms. */
const ALIVE_MS = 60_000

/**
 * Calls a Durable Object, and again after a failure such as a deploy, or without a reply in time. So `ask`
 * takes a new stub each time and may run twice. Throws GatewayError `unavailable`.
 */
export const callObject = <T>(ask: () => Promise<T>, replyMs = REPLY_MS): Promise<T> =>
  twice(() => callObjectOnce(ask, replyMs))

/** Calls a Durable Object without a retry, which would count twice. Throws DeadlineExceeded, and the call's errors. */
export const callObjectOnce = <T>(ask: () => Promise<T>, replyMs = REPLY_MS): Promise<T> => withDeadline(replyMs, ask)

/**
 * Calls a Durable Object as `callObject` does, for an answer that takes any time. Meanwhile `ping` asks the same object
 * for a short reply: without that in time, the call has failed. Throws GatewayError `unavailable`.
 */
export const callObjectForLong = <T>(ask: () => Promise<T>, ping: () => Promise<unknown>): Promise<T> =>
  twice(async () => {
    const over = new AbortController()
    try {
      return await Promise.race([ask(), failedPing(ping, over.signal)])
    } finally {
      over.abort()
    }
  })

async function failedPing(ping: () => Promise<unknown>, over: AbortSignal): Promise<never> {
  for (;;) {
    await pause(ALIVE_MS, over)
    await callObjectOnce(ping)
  }
}

async function twice<T>(ask: () => Promise<T>): Promise<T> {
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
