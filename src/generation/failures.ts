import type { Failure } from '../failures/errors'

/*
 * Failures of a run that are not an upstream's.
 */

export const FAILED: Failure = { code: 'internal', message: 'The gateway failed to make the image.', retry: false }

/** The failure for the clients of a run that its team has cancelled. */
export const CANCELLED: Failure = {
  code: 'cancelled',
  message: 'This generation was cancelled. Send the request again to have it made after all.',
  retry: false,
}

/** The request itself may end processes, so it is not paid for a third time at once. */
export const INTERRUPTED: Failure = {
  code: 'upstream_failed',
  message: 'Making this image was interrupted twice. Try again in a minute.',
  retryAfterMs: 60_000,
  retry: false,
}

/** The end of a client's patience, without an order of its own: the run waits for another team. */
export const WAITING_FOR_OTHERS: Failure = {
  code: 'unavailable',
  message: 'This image waits for the turn of another team. Send the request again in a moment.',
  retryAfterMs: 2000,
}

/** A job that ended and was deleted while it was being accepted. */
export const GONE: Failure = {
  code: 'unavailable',
  message: 'The generation was deleted while it was asked for. Send the request again.',
  retryAfterMs: 1000,
}
