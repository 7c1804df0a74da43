import type { Failure } from '../../failures/errors'
import { sourceAt } from '../json-body'
import type { BodyPicture, PictureSource } from '../picture-source'

/** A picture of a request with its parameter: an ordinal in the body, or the name from an earlier answer. */
export type InteractionPicture = { param: string } & ({ ordinal: string } | { reference: string })

const INTERACTION_PREFIX = 'int_'

/** The id of an interaction; a later request names its picture by it. */
export const interactionId = (reference: string): string => INTERACTION_PREFIX + reference

/** The reference in an id; empty, which no picture has, for the id of another gateway. */
const referenceOfInteraction = (id: string): string =>
  id.startsWith(INTERACTION_PREFIX) ? id.slice(INTERACTION_PREFIX.length) : ''

/** The picture of an earlier interaction. */
export const pictureOfInteraction = (id: string): InteractionPicture => ({
  reference: referenceOfInteraction(id),
  param: UNKNOWN_PREVIOUS.param,
})

/** A picture for the gateway to fetch; `number` counts those of the request from 1. */
export function sourceOf(picture: InteractionPicture, number: number, pictures: readonly BodyPicture[]): PictureSource {
  const { param } = picture
  if ('ordinal' in picture) return sourceAt(pictures, picture.ordinal, param)
  return { reference: picture.reference, unknown: UNKNOWN_PREVIOUS, position: { number, param } }
}

const UNKNOWN_PREVIOUS = {
  code: 'not_found',
  message:
    "The previous interaction was not found: it was not made here, or is no longer kept. Send its picture in 'input'.",
  param: 'previous_interaction_id',
} as const satisfies Failure
