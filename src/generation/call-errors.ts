import { ProviderError } from '../providers/provider'
import { DeadlineExceeded } from '../runtime/deadline'
import { EndlessPicture, NotAnImage } from '../store/images'

/** An event of an upstream could not be processed: mostly an image that could not be read. */
export class UnreadableEvent extends Error {}

/** Turns an error of the upstream into a ProviderError; other errors stay. */
export function asProviderError(error: unknown): unknown {
  if (error instanceof UnreadableEvent) return asProviderError(error.cause)
  // The call may have been billed.
  if (error instanceof DeadlineExceeded) {
    return new ProviderError('lost', 'did not finish in time', { code: 'timed_out' }, { cause: error })
  }
  if (error instanceof EndlessPicture) {
    return new ProviderError('lost', 'sent a picture without an end', { isUnusable: true }, { cause: error })
  }
  if (error instanceof NotAnImage) {
    return new ProviderError('lost', 'sent something that is no image', {}, { cause: error })
  }
  return error
}
