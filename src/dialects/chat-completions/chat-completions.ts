import type { Vocabulary } from '../../failures/vocabulary'
import type { Failure } from '../../failures/errors'
import { streamCompletion, renderCompletion } from './answer'
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
const chatDialect = ({ id, defaultPlace, error, streamError }: ChatRoute): Dialect<ChatAnswerOptions> => ({
  id,
  options: chatAnswerOptions,
  text: chatTextRoute,
  parse: (intake) => parseChat(intake, defaultPlace),
  render: renderCompletion,
  stream: (_, options, context) => {
    if (!options.stream) return undefined
    const vocabulary = chatVocabulary(options)
    return streamCompletion(options, context, (failure, head) =>
      streamError(failure, context.requestId, vocabulary, head),
    )
  },
  renderError: (failure, requestId, options) => error(failure, requestId, chatVocabulary(options)),
})

/** Chat completions of OpenAI and of relays (protocols §2.1, §9.1). */
export const chatCompletions = chatDialect({
  id: 'chat-completions',
  defaultPlace: 'markdown',
  error: openaiError,
  streamError: (failure, requestId, vocabulary) => openaiError(failure, requestId, vocabulary).text,
})

/** Chat completions of OpenRouter. */
export const openrouterChat = chatDialect({
  id: 'chat-completions-openrouter',
  defaultPlace: 'images',
  error: openrouterError,
  streamError: (failure, requestId, vocabulary, head) => {
    const choices = [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'error' }]
    const { message } = wordFailure(failure, requestId, vocabulary)
    const error = { code: openrouterError(failure, requestId).status, message }
    return JSON.stringify({ ...head, error, choices })
  },
})
