import type { Failure } from '../runtime/errors'

/*
 * How a run ends that no upstream is to blame for.
 */

export const FAILED: Failure = { code: 'internal', message: 'The gateway failed to make the image.', retry: false }

/** What is told to those for whom a run was made that their team no longer wants. */
export const CANCELLED: Failure = {
  code: 'cancelled',
  message: 'This generation was cancelled. Send the request again to have it made after all.',
  retry: false,
}

/** Whatever it is about this request that ends processes, it is not to be paid for a third time at once. */
export const INTERRUPTED: Failure = {
  code: 'upstream_failed',
  message: 'Making this image was interrupted twice. Try again in a minute.',
  retryAfterMs: 60_000,
  retry: false,
}
