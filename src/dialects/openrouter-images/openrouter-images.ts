import { bearerToken } from '../../credentials/caller'
import type { Dialect } from '../dialect'
import { openrouterError } from './error'
import { stream, whole } from './answer'
import { parse, type Wants, wants as schema } from './request'
import { renamed } from '../renamed'

/** What rules of models call a parameter, and what it is called here. */
const NAMES = { images: 'input_references' }

/** OpenRouter's own images API (protocols §2.2), one route for making and editing. */
export const openrouterImages: Dialect<Wants> = {
  id: 'openrouter-images',
  wants: schema,
  apiKey: (c) => bearerToken(c.req.header('authorization')),
  parse,
  render: whole,
  stream: (_, wants, { requestId }) => (wants.stream ? stream(requestId) : undefined),
  renderError: (failure, requestId) => openrouterError(renamed(failure, NAMES), requestId),
}
