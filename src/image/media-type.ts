import { latin1 } from '../streams/latin1'

/** The bytes of each format at an offset and at the start, by the formats' specifications. */
const SIGNATURES: { mediaType: string; at: number; bytes: string; start?: string }[] = [
  { mediaType: 'image/png', at: 0, bytes: '\x89PNG\r\n\x1a\n' },
  { mediaType: 'image/jpeg', at: 0, bytes: '\xff\xd8\xff' },
  { mediaType: 'image/webp', at: 8, bytes: 'WEBP', start: 'RIFF' },
  { mediaType: 'image/gif', at: 0, bytes: 'GIF8' },
  { mediaType: 'image/avif', at: 4, bytes: 'ftypavif' },
]

const EXTENSIONS: Record<string, string> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'avif',
  'image/svg+xml': 'svg',
}

/** The media type of an image by its content, regardless of its declared type. Undefined for unknown content. */
export function sniff(head: Uint8Array): string | undefined {
  const start = latin1(head.subarray(0, 256))
  const known = SIGNATURES.find(
    ({ at, bytes, start: first = '' }) => start.startsWith(bytes, at) && start.startsWith(first),
  )
  if (known) return known.mediaType
  return opensSvg(start) ? 'image/svg+xml' : undefined
}

/** The possible prolog of an SVG: declaration, document type, comment. */
const PROLOG = /^\s*(?:<\?xml[^>]*>|<!DOCTYPE[^>]*>|<!--[\s\S]*?-->)/i

function opensSvg(start: string): boolean {
  let rest = start.replace(/^\xef\xbb\xbf/, '')
  while (PROLOG.test(rest)) rest = rest.replace(PROLOG, '')
  return /^\s*<svg[\s>]/.test(rest)
}

/** The file name extension of a media type of `sniff`. */
export const extensionOf = (mediaType: string): string => EXTENSIONS[mediaType] ?? 'bin'
