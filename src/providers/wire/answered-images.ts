import { formedAnswer } from './answer-form'
import { type IsRefused, jsonPictures } from './json-pictures'
import { streamedImages } from './openai-events'
import { openaiSummary } from './openai-reply'
import type { Path } from '../../streams/json'
import type { ProviderError, ProviderEvent, Summary, Work } from '../provider'
import { withSpent } from './unusable-answer'

/** The readers of an answer besides its pictures. */
export interface AnswerReaders {
  /** The error of an answer without pictures, or of an event with an error. */
  failureOf: (said: unknown) => ProviderError
  /** The facts of an answer or an event, with the entries of its pictures. */
  summaryIn?: (said: unknown, entries: readonly Path[]) => Summary
  isRefused?: IsRefused
  /** Reads on in an answer without pictures. */
  instead?: (said: unknown) => AsyncGenerator<ProviderEvent, void> | undefined
}

/** The pictures of an answer in OpenAI's form, whole or in events, and its summary. Throws ProviderError. */
export async function* answeredImages(
  response: Response,
  n: number,
  work: Pick<Work, 'download'>,
  { failureOf, summaryIn = openaiSummary, isRefused, instead }: AnswerReaders,
): AsyncGenerator<ProviderEvent, void> {
  const { isEvents, bytes, head } = await formedAnswer(response)
  const body = { response, bytes, head }
  if (isEvents) return yield* streamedImages(body, n, work, { failureOf, summaryIn })
  const { said, entries } = yield* jsonPictures(body, work, isRefused)
  const summary = summaryIn(said, entries)
  if (entries.length > 0) return yield { type: 'summary', summary }
  const others = instead?.(said)
  if (!others) throw withSpent(failureOf(said), summary)
  yield* others
}
