import { failureInWords } from '../failures/words'
import type { Vocabulary } from '../failures/vocabulary'
import type { Failure, WordedFailure } from '../failures/errors'

/** A failure in the words of a dialect; a failure of the gateway names the request for the operator's log. */
export function wordFailure(failure: Failure, requestId: string, vocabulary?: Vocabulary): WordedFailure {
  const words = failureInWords(failure, vocabulary)
  return words.code === 'internal' ? { ...words, message: `${words.message} (request ID ${requestId})` } : words
}
