import { sniff } from '../../image/media-type'
import { MAX_URL_BYTES } from '../../runtime/public-url'
import { type Bytes, capped, peek, readText } from '../../streams/bytes'
import { TooLong } from '../../streams/json-faults'
import { latin1 } from '../../streams/latin1'

/** A string that may be a picture: the picture's link, its base64, or other words. */
export type PictureString = { link: string } | { base64: Bytes } | { words: string }

/** The first bytes of a string that tell its kind. */
const TELLING_BYTES = 512

/** The heads of a data URL. Some relays put one in front of another. */
const DATA_HEADS = /^(?:data:[^,]{0,200};base64,)*/i
const WEB = /^https?:/i
/** No words are so long without a blank. */
const LONG_BASE64 = /^[\w+/-]{480,}$/
/** A link without an origin: a path, or a file's name with the ending of a picture. */
const RELATIVE = /^(?:\.{0,2}\/[\w.~%/@-]|[\w.~%/@-]+\.(?:png|jpe?g|webp|gif|avif|svg)(?:[?#]|$))/i

/**
 * Reads a string by its first bytes: URL, data URL, base64 of a known format, or relative link. The first
 * characters of a JPEG in base64 look like a path. Any other string is base64 if its name promises a picture.
 */
export async function pictureString(string: Bytes, isPromised: boolean): Promise<PictureString> {
  const { head, all } = await peek(string, TELLING_BYTES)
  const start = latin1(head.subarray(0, TELLING_BYTES))
  const blank = start.length - start.trimStart().length
  const [heads = ''] = DATA_HEADS.exec(start.slice(blank)) ?? []
  const skipped = blank + heads.length
  const content = start.slice(skipped)
  const isPicture = opensPicture(content)
  if (!isPicture && (WEB.test(content) || RELATIVE.test(content)))
    return { link: (await readText(capped(bytesAfter(skipped, all), MAX_URL_BYTES, () => new TooLong()))).trim() }
  const isBase64 = isPicture || isPromised || heads !== '' || LONG_BASE64.test(content)
  if (content !== '' && isBase64) return { base64: bytesAfter(skipped, all) }
  return { words: content }
}

/** The characters of base64 for the start of a picture. */
const SIGNATURE_CHARACTERS = 344

/** Whether base64 begins a picture of a known format. */
function opensPicture(base64: string): boolean {
  const [start = ''] = /^[\w+/-]*/.exec(base64.slice(0, SIGNATURE_CHARACTERS)) ?? []
  const whole = start.slice(0, start.length - (start.length % 4))
  return sniff(Uint8Array.fromBase64(whole.replaceAll('-', '+').replaceAll('_', '/'))) !== undefined
}

async function* bytesAfter(count: number, bytes: Bytes): Bytes {
  let left = count
  for await (const chunk of bytes) {
    const rest = chunk.subarray(left)
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}
