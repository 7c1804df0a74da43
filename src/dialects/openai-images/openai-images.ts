import { bearerToken } from '../../credentials/caller'
import type { Dialect } from '../dialect'
import { openaiError } from '../openai/error'
import { stream, whole } from './answer'
import { type Operation, parse, type Wants, wants as schema } from './request'

/** OpenAI's Images API (protocols §1), with the words that relays' clients use besides (protocols §7.6). */
export const dialect = (operation: Operation): Dialect<Wants> => ({
  id: `openai-images-${operation}`,
  wants: schema,
  apiKey: (c) => bearerToken(c.req.header('authorization')),
  parse: (intake) => parse(intake, operation),
  render: whole,
  stream: (request, wants, { requestId }) => (wants.stream ? stream(request, operation, requestId) : undefined),
  renderError: openaiError,
})

export const imageGenerations = dialect('generations')
export const imageEdits = dialect('edits')
export const imageVariations = dialect('variations')
