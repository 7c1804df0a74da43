import { latin1 } from '../streams/latin1'
import { sniff } from './media-type'

/** The input types of every image model (protocols §1.3). */
export const USUAL_INPUT_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/webp']

/** Types that some models take besides (protocols §3.2). A model would refuse other types after it was paid for. */
const FURTHER_INPUT_TYPES: readonly string[] = ['image/heic', 'image/heif']

/** The brands of HEIF files (ISO/IEC 23008-12), at offset 8. */
const BRANDS: Readonly<Record<string, string>> = {
  heic: 'image/heic',
  heix: 'image/heic',
  hevc: 'image/heic',
  hevx: 'image/heic',
  heim: 'image/heic',
  heis: 'image/heic',
  mif1: 'image/heif',
  msf1: 'image/heif',
  avif: 'image/avif',
  avis: 'image/avif',
}

/** Files that clients send as pictures, by their first bytes. */
const STARTS: readonly [start: string, words: string][] = [
  ['GIF8', 'a GIF'],
  ['II*\0', 'a TIFF'],
  ['MM\0*', 'a TIFF'],
  ['%PDF-', 'a PDF'],
  ['\xff\x0a', 'a JPEG XL'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL'],
  ['\0\0\x01\0', 'an icon (ICO)'],
]

/** The same, by a pattern. */
const KIND_PATTERNS: readonly [pattern: RegExp, words: string][] = [
  [/^BM.{4}\0{4}/s, 'a BMP'],
  [/^.{4}ftyp/s, 'a video'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b/i, 'a web page'],
  [/^(?:\xef\xbb\xbf)?\s*\{/, 'JSON'],
  [/^(?:https?|data):/i, 'a URL'],
  [/^$/, 'empty'],
]

/** The type of an input picture; undefined for a file that no model takes. */
export function inputTypeOf(head: Uint8Array): string | undefined {
  const mediaType = brandOf(head) ?? sniff(head)
  return mediaType && [...USUAL_INPUT_TYPES, ...FURTHER_INPUT_TYPES].includes(mediaType) ? mediaType : undefined
}

/** The kind of a file in words, as the end of a sentence; undefined for an unknown one. */
export function kindInWords(head: Uint8Array): string | undefined {
  const mediaType = brandOf(head) ?? sniff(head)
  if (mediaType && WORDS[mediaType]) return WORDS[mediaType]
  const text = latin1(head.subarray(0, 256))
  const found =
    STARTS.find(([start]) => text.startsWith(start)) ?? KIND_PATTERNS.find(([pattern]) => pattern.test(text))
  return found?.[1]
}

/** The words for types with a media type of their own. */
const WORDS: Readonly<Record<string, string>> = {
  'image/heic': 'a HEIC',
  'image/heif': 'a HEIF',
  'image/avif': 'an AVIF',
  'image/svg+xml': 'an SVG',
}

/** The words for a type of `inputTypeOf`. */
export const mediaTypeInWords = (mediaType: string): string => WORDS[mediaType] ?? mediaType

const brandOf = (head: Uint8Array): string | undefined => {
  const start = latin1(head.subarray(0, 12))
  return start.startsWith('ftyp', 4) ? BRANDS[start.slice(8)] : undefined
}
