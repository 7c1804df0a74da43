import type { Dialect } from '../dialect'
import { renderInteraction } from './answer'
import { interactionError } from './error'
import { streamInteraction } from './events'
import { type InteractionOptions, interactionOptions, parseInteraction } from './request'

/** Google's Interactions API for images (protocols §3.6). */
export const interactions: Dialect<InteractionOptions> = {
  id: 'interactions',
  options: interactionOptions,
  parse: parseInteraction,
  render: renderInteraction,
  stream: (_, options, context) => (options.stream ? streamInteraction(options, context) : undefined),
  renderError: interactionError,
}
