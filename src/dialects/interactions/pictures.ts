import type { Failure } from '../../failures/errors'
import { type NamedPicture, referenceIn } from '../named-picture'

const INTERACTION_PREFIX = 'int_'

/** The id of an interaction; a later request names its picture by it. */
export const interactionId = (reference: string): string => INTERACTION_PREFIX + reference

/** The reference in the id of an interaction. */
export const referenceOfInteraction = (id: string): string => referenceIn(id, INTERACTION_PREFIX)

/** The picture of an earlier interaction. */
export const pictureOfInteraction = (id: string): NamedPicture => ({
  reference: referenceOfInteraction(id),
  param: UNKNOWN_PREVIOUS.param,
  unknown: UNKNOWN_PREVIOUS,
})

const UNKNOWN_PREVIOUS = {
  code: 'not_found',
  message:
    "The previous interaction was not found: it was not made here, or is no longer kept. Send its picture in 'input'.",
  param: 'previous_interaction_id',
} as const satisfies Failure
