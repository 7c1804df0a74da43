import type { Failure } from '../failures/errors'
import { sourceAt } from './json-body'
import type { BodyPicture, PictureSource } from './picture-source'

/** A picture with its parameter: an ordinal in the body, or the reference in the id of an earlier answer. */
export type NamedPicture = { param: string } & ({ ordinal: string } | { reference: string; unknown: Failure })

/** A picture for the gateway to fetch; `number` counts those of the request from 1. */
export function sourceOf(named: NamedPicture, number: number, pictures: readonly BodyPicture[]): PictureSource {
  const { param } = named
  if ('ordinal' in named) return sourceAt(pictures, named.ordinal, param)
  const { reference, unknown } = named
  return { reference, unknown, position: { number, param } }
}

/** The reference in an id; empty, which no picture has, for an id without the prefix. */
export const referenceIn = (id: string, prefix: string): string =>
  id.startsWith(prefix) ? id.slice(prefix.length) : ''
