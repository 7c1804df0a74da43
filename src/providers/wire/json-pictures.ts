import type { Bytes } from '../../streams/bytes'
import type { Path } from '../../streams/json'
import { formedAnswer } from './answer-form'
import { readingImage } from './http'
import { PictureText } from './picture-text'
import { unreadableError } from './unusable-answer'
import type { ProviderEvent, Work } from '../provider'

/** A JSON answer without its pictures, and the entry of each picture by its index. */
export interface PictureFreeReply {
  said: unknown
  entries: Path[]
}

/** Drops a picture behind a link by the whole answer and the picture's entry. */
export type IsRefused = (said: unknown, entry: Path) => boolean

/** Streams the pictures of a JSON answer in any form: base64, data URLs or links. Throws ProviderError. */
export async function* readPictures(
  response: Response,
  work: Pick<Work, 'download'>,
): AsyncGenerator<ProviderEvent, PictureFreeReply> {
  const { bytes, head } = await formedAnswer(response)
  return yield* jsonPictures({ response, bytes, head }, work)
}

/** The same of a body with its first bytes. */
export async function* jsonPictures(
  { response, bytes, head }: { response: Response; bytes: Bytes; head: () => Uint8Array },
  work: Pick<Work, 'download'>,
  isRefused: IsRefused = () => false,
): AsyncGenerator<ProviderEvent, PictureFreeReply> {
  const entries: Path[] = []
  try {
    const text = new PictureText(bytes)
    for await (const picture of text.pictures()) {
      entries.push(picture.entry)
      yield { type: 'image', index: entries.length - 1, bytes: picture.bytes }
    }
    const { said } = text
    for (const { entry, link } of text.links((each) => isRefused(said, each))) {
      entries.push(entry)
      yield { type: 'image', index: entries.length - 1, bytes: readingImage(work.download(link)) }
    }
    return { said, entries }
  } catch (error) {
    throw unreadableError(error, response, { isMade: entries.length > 0, head: head() })
  }
}
