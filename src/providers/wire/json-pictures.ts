import { MAX_URL_BYTES } from '../../runtime/public-url'
import { decodeBase64 } from '../../streams/base64'
import { type Bytes, capped, keepingHead, peek, readStream, readText } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { TooLong } from '../../streams/json-faults'
import { latin1 } from '../../streams/latin1'
import { bodyStream, readingImage } from './http'
import { unusableAnswer, withSpent } from './unusable-answer'
import { ProviderError, type ProviderEvent, type Summary, type Work } from '../provider'

/**
 * The value of a picture string: a URL, or the bytes of base64 or of a data URL. Undefined for an empty string. A data
 * URL may stand under `url`, and a URL beside its base64 (protocols §7.6, §9).
 */
export async function pictureValue(bytes: Bytes): Promise<string | Bytes | undefined> {
  const { head, all } = await peek(bytes, 'https:'.length)
  if (head.length === 0) return undefined
  if (!/^https?:/.test(new TextDecoder().decode(head))) return readingImage(decodeBase64(all))
  return await readText(capped(all, MAX_URL_BYTES, () => new TooLong()))
}

/** The first bytes of an answer that tell a web page from a text of the API. */
export const HEAD_BYTES = 64

/** A JSON answer without its pictures, and their count. */
export interface PictureFreeReply {
  said: unknown
  count: number
}

/**
 * Streams the pictures of a JSON answer: base64, data URLs or URLs.
 * `indexOf` gives the picture's index at a path. `isRefused` drops pictures behind URLs by the whole answer. Throws
 * ProviderError.
 */
export async function* readPictures(
  response: Response,
  work: Pick<Work, 'download'>,
  indexOf: (path: Path) => number | undefined,
  isRefused: (said: unknown, index: number) => boolean = () => false,
): AsyncGenerator<ProviderEvent, PictureFreeReply> {
  const made = new Set<number>()
  const urls = new Map<number, string>()
  const { head, all } = keepingHead(readStream(bodyStream(response)), HEAD_BYTES)
  const json = new JsonStream(all, (path) => indexOf(path) !== undefined)
  try {
    for await (const { path, bytes } of json.strings()) {
      const index = indexOf(path) ?? 0
      const picture = await pictureValue(bytes)
      if (typeof picture === 'string') urls.set(index, picture)
      else if (picture && !made.has(index)) {
        made.add(index)
        yield { type: 'image', index, bytes: picture }
      }
    }
    const said = json.value()
    for (const [index, url] of urls) {
      if (made.has(index) || isRefused(said, index)) continue
      made.add(index)
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    return { said, count: made.size }
  } catch (error) {
    throw unreadableError(error, response, { isMade: made.size > 0, head: head() })
  }
}

/** The index of a picture at a path in OpenAI's form, by its URL or its base64 (protocols §1.5). */
export const pictureAt = ([list, index, name, ...deeper]: Path): number | undefined =>
  list === 'data' && typeof index === 'number' && (name === 'b64_json' || name === 'url') && deeper.length === 0
    ? index
    : undefined

/** The pictures of an answer in OpenAI's form, and its summary. Throws ProviderError. */
export async function* answeredImages(
  response: Response,
  work: Pick<Work, 'download'>,
  failureOf: (said: unknown) => ProviderError,
  summaryIn: (said: unknown) => Summary,
): AsyncGenerator<ProviderEvent, void> {
  const { said, count } = yield* readPictures(response, work, pictureAt)
  if (count === 0) throw withSpent(failureOf(said), summaryIn(said))
  yield { type: 'summary', summary: summaryIn(said) }
}

/** The error for an answer in another format or without its end. A broken-off answer was paid for. */
export function unreadableError(
  error: unknown,
  response: Response,
  { isMade, head }: { isMade: boolean; head: Uint8Array },
): ProviderError {
  if (error instanceof ProviderError) return error
  if (!isMade && (error instanceof SyntaxError || error instanceof TooLong))
    return unusableAnswer(response, 'answered with something that is not JSON', { said: latin1(head), cause: error })
  return new ProviderError('lost', 'broke off its answer', {}, { cause: error })
}
