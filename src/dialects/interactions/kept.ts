import type { KeptAnswers } from '../kept-answer'
import { interactionHead, renderInteraction } from './answer'
import { interactionFault } from './error'
import { streamInteraction } from './events'
import { interactionId, referenceOfInteraction } from './pictures'
import { type InteractionOptions, interactionOptions } from './request'

const MAX_SHOWN_ID = 100

/** Background interactions by their ids. */
export const keptInteractions: KeptAnswers<InteractionOptions> = {
  options: interactionOptions,
  referenceOf: referenceOfInteraction,
  lastEvent: 'last_event_id',
  render: renderInteraction,
  renderStatus: (status, failure, options, context) => {
    const state = { status, ...(failure ? { errors: [interactionFault(failure, options)] } : {}) }
    return { ...interactionHead(interactionId(context.reference()), state, options, context), steps: [] }
  },
  stream: (_, options, context, after) => streamInteraction(options, context, after),
  previews: () => 0,
  deleted: () => ({}),
  unknown: (id) => ({
    code: 'not_found',
    message: `The interaction '${id.slice(0, MAX_SHOWN_ID)}' was not found. Those with 'background': true are kept for a day, no others.`,
  }),
  gone: {
    code: 'not_found',
    message: 'The picture of this interaction is no longer kept. Send the request again to have it made.',
  },
  stillRunning: {
    code: 'conflict',
    message: 'This interaction has not ended. Cancel it by its path with /cancel, or delete it when it has ended.',
    retryAfterMs: 5000,
  },
}
