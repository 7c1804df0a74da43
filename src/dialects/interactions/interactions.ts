import type { Dialect } from '../dialect'
import { interactionHead, renderInteraction } from './answer'
import { interactionError } from './error'
import { streamInteraction } from './events'
import { interactionId } from './pictures'
import { type InteractionOptions, interactionOptions, parseInteraction } from './request'

/** Google's Interactions API for images (protocols §3.6). */
export const interactions: Dialect<InteractionOptions> = {
  id: 'interactions',
  options: interactionOptions,
  parse: parseInteraction,
  render: renderInteraction,
  renderJob: (context, options, record) => ({
    ...interactionHead(
      interactionId(context.reference(record?.images[0]?.key)),
      { status: 'in_progress' },
      options,
      context,
    ),
    steps: [],
  }),
  stream: (_, options, context) => (options.stream ? streamInteraction(options, context) : undefined),
  renderError: interactionError,
}
