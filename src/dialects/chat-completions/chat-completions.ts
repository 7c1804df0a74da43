import type { Failure } from '../../runtime/errors'
import { bearerToken } from '../../credentials/caller'
import { type LastWords, stream, whole } from './answer'
import { parse, type Wants, wants as schema, type Way } from './request'
import type { Dialect, TextRoute, Worded } from '../dialect'
import { openaiError } from '../openai/error'
import { messageOf, openrouterError } from '../openrouter-images/error'
import { renamed } from '../renamed'

/** In what the routes of chat completions differ. */
interface Route {
  id: string
  /** The way of an answer where a request does not show what is expected. */
  usual: Way
  error: (failure: Failure, requestId: string) => Worded
  lastWords: LastWords
}

/** What a request has no other name for. */
const NAMES = { prompt: 'messages', images: 'messages' }

const text: TextRoute = {
  path: '/chat/completions',
  limitedBy: ['max_completion_tokens', 'max_tokens'],
  isText: ({ model }, isImageModel) => typeof model === 'string' && !isImageModel(model),
}

/** Pictures as answers of a chat (protocols §2.1, §2.2). */
function dialect({ id, usual, error, lastWords }: Route): Dialect<Wants> {
  const named = (failure: Failure, wants?: Wants): Failure => renamed(failure, { ...NAMES, ...wants?.names })
  return {
    id,
    wants: schema,
    apiKey: (c) => bearerToken(c.req.header('authorization')),
    text,
    parse: (intake) => parse(intake, usual),
    render: whole,
    stream: (_, wants, occasion) =>
      wants.stream
        ? stream(wants, occasion, (failure, ...more) => lastWords(named(failure, wants), ...more))
        : undefined,
    renderError: (failure, requestId, wants) => error(named(failure, wants), requestId),
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
