import type { Vocabulary } from '../../failures/vocabulary'
import type { Failure } from '../../failures/errors'
import { chatUsage } from '../openai/chat-usage'
import { openrouterUsage } from '../openrouter/usage'
import { streamCompletion, renderCompletion, type UsageRenderer } from './answer'
import { parseChat, type ChatAnswerOptions, chatAnswerOptions, type PicturePlace } from './request'
import type { Dialect, TextRoute, RenderedError } from '../dialect'
import { openaiError } from '../openai/error'
import { openrouterError } from '../openrouter/error'
import { wordFailure } from '../worded-failure'
import { chatVocabulary } from './vocabulary'
import { inWords } from './words-only'

/** The differences between the routes of chat completions. */
interface ChatRoute {
  id: string
  /** The place of pictures unless the request tells. */
  defaultPlace: PicturePlace
  usageOf: UsageRenderer
  error: (failure: Failure, requestId: string, vocabulary: Vocabulary) => RenderedError
  /** A failure of a stream that has begun, as JSON; `head` begins each of its events. */
  streamError: (failure: Failure, requestId: string, vocabulary: Vocabulary, head: Record<string, unknown>) => string
}

const chatTextRoute: TextRoute = {
  path: '/chat/completions',
  limitedBy: ['max_completion_tokens', 'max_tokens'],
  isText: ({ model }, isImageModel) => typeof model === 'string' && !isImageModel(model),
  inWords,
}

/** Pictures as answers of a chat (protocols §2.1, §2.2). */
const chatDialect = ({ id, defaultPlace, usageOf, error, streamError }: ChatRoute): Dialect<ChatAnswerOptions> => ({
  id,
  options: chatAnswerOptions,
  text: chatTextRoute,
  parse: (intake) => parseChat(intake, defaultPlace),
  render: (record, options, context) => renderCompletion(record, options, context, usageOf),
  stream: (_, options, context) => {
    if (!options.stream) return undefined
    const vocabulary = chatVocabulary(options)
    const renderError = (failure: Failure, head: Record<string, unknown>): string =>
      streamError(failure, context.requestId, vocabulary, head)
    return streamCompletion(options, context, { usageOf, renderError })
  },
  renderError: (failure, requestId, options) => error(failure, requestId, chatVocabulary(options)),
})

/** Chat completions of OpenAI and of relays (protocols §2.1, §9.1). */
export const chatCompletions = chatDialect({
  id: 'chat-completions',
  defaultPlace: 'markdown',
  usageOf: ({ usage }) => usage && chatUsage(usage),
  error: openaiError,
  streamError: (failure, requestId, vocabulary) => openaiError(failure, requestId, vocabulary).text,
})

/** Chat completions of OpenRouter. */
export const openrouterChat = chatDialect({
  id: 'chat-completions-openrouter',
  defaultPlace: 'images',
  usageOf: openrouterUsage,
  error: openrouterError,
  streamError: (failure, requestId, vocabulary, head) => {
    const choices = [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'error' }]
    const { message } = wordFailure(failure, requestId, vocabulary)
    const error = { code: openrouterError(failure, requestId).status, message }
    return JSON.stringify({ ...head, error, choices })
  },
})
