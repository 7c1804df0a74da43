import type { Failure } from '../failures/errors'
import type { InputImage } from '../image/request'

/** A picture's place in a request: its number among all, from 1, and its parameter. */
export interface PicturePosition {
  number: number
  param: string
}

/** A picture of a body: read as it passed, or still behind its URL. */
export type BodyPicture = { input: InputImage } | { url: string; position: PicturePosition }

/**
 * A picture of a parsed request; a reference is that of an earlier answer. The gateway fetches it after the rest of the
 * request is accepted.
 */
export type PictureSource = BodyPicture | { reference: string; position: PicturePosition; unknown: Failure }
