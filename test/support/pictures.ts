import { makePicture, piecesOf } from './fake-picture.ts'
import { concatenate } from './png.ts'

/** A PNG of its own for each name, of exactly `length` bytes if they suffice. */
export async function picture(name: string, length?: number): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(concatenate(...piecesOf(await makePicture('png', name, length))))
}

/** The same as a file of a form. */
export const pictureFile = async (name: string, length?: number): Promise<File> =>
  new File([await picture(name, length)], `${name}.png`, { type: 'image/png' })

/** A picture as a data URL, the form of most APIs. */
export const dataUrlOf = (bytes: Uint8Array): string => `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`
