import type { Failure, WordedFailure } from '../../failures/errors'
import { failureInWords } from '../../failures/words'
import type { RenderedError } from '../dialect'
import { googleError, googleFailure } from '../google/error'
import { framedAnswer } from './framing'
import type { GeminiAnswerOptions } from './request'
import { geminiVocabulary } from './vocabulary'

/**
 * A failure in the envelope of Google's clients; a blocked prompt is an answer there, not an error (protocols §3.4).
 */
export function geminiError(failure: Failure, requestId: string, options?: GeminiAnswerOptions): RenderedError {
  const words = failureInWords(failure, geminiVocabulary(options))
  if (words.code !== 'content_rejected') return googleFailure(words, requestId)
  const blocked = JSON.stringify(blockedPrompt(words, requestId))
  const { contentType, parts } = framedAnswer(options?.as ?? 'object', [[blocked]])
  return { status: 200, contentType, text: parts.join('') }
}

/** A failure as the only message of an answer. */
export function errorMessage(failure: Failure, requestId: string, options: GeminiAnswerOptions): string {
  const words = failureInWords(failure, geminiVocabulary(options))
  return JSON.stringify(
    words.code === 'content_rejected' ? blockedPrompt(words, requestId) : googleError(words, requestId),
  )
}

/** A blocked prompt costs no tokens. */
const blockedPrompt = ({ message }: WordedFailure, requestId: string): unknown => ({
  promptFeedback: { blockReason: 'IMAGE_SAFETY', blockReasonMessage: message },
  usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
  responseId: requestId,
})
