import type { Failure } from '../../runtime/errors'
import { bearerToken } from '../../credentials/caller'
import { type StreamErrorRenderer, streamCompletion, renderCompletion } from './answer'
import { parse, type ChatAnswerOptions, chatAnswerOptions, type PicturePlace } from './request'
import type { Dialect, TextRoute, RenderedError } from '../dialect'
import { openaiError } from '../openai/error'
import { messageOf, openrouterError } from '../openrouter-images/error'
import { renamed } from '../renamed'

/** In what the routes of chat completions differ. */
interface Route {
  id: string
  /** The way of an answer where a request does not show what is expected. */
  usual: PicturePlace
  error: (failure: Failure, requestId: string) => RenderedError
  lastWords: StreamErrorRenderer
}

/** What a request has no other name for. */
const NAMES = { prompt: 'messages', images: 'messages' }

const text: TextRoute = {
  path: '/chat/completions',
  limitedBy: ['max_completion_tokens', 'max_tokens'],
  isText: ({ model }, isImageModel) => typeof model === 'string' && !isImageModel(model),
}

/** Pictures as answers of a chat (protocols §2.1, §2.2). */
function dialect({ id, usual, error, lastWords }: Route): Dialect<ChatAnswerOptions> {
  const named = (failure: Failure, options?: ChatAnswerOptions): Failure =>
    renamed(failure, { ...NAMES, ...options?.names })
  return {
    id,
    options: chatAnswerOptions,
    apiKey: (c) => bearerToken(c.req.header('authorization')),
    text,
    parse: (intake) => parse(intake, usual),
    render: renderCompletion,
    stream: (_, options, context) =>
      options.stream
        ? streamCompletion(options, context, (failure, ...more) => lastWords(named(failure, options), ...more))
        : undefined,
    renderError: (failure, requestId, options) => error(named(failure, options), requestId),
  }
}

/** Chat completions as OpenAI and the relays have them (protocols §2.1, §9.1). */
export const chatCompletions = dialect({
  id: 'chat-completions',
  usual: 'markdown',
  error: openaiError,
  lastWords: (failure, requestId) => openaiError(failure, requestId).text,
})

/** As OpenRouter has them. */
export const openrouterChat = dialect({
  id: 'chat-completions-openrouter',
  usual: 'images',
  error: openrouterError,
  lastWords: (failure, requestId, head) => {
    const choices = [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'error' }]
    const error = { code: openrouterError(failure, requestId).status, message: messageOf(failure, requestId) }
    return JSON.stringify({ ...head, error, choices })
  },
})
