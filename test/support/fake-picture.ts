import { PNG_HEAD, concatenate, pngChunk, pngPixels } from './png.ts'

/** A picture as its first bytes, the number of repeats of its padding, and its last bytes. */
export interface Picture {
  head: Uint8Array
  paddings: number
  tail: Uint8Array
}

/** A multiple of 3, so that a piece's base64 has no padding. The base64 with every slash escaped stays under 64 KiB. */
const PIECE_BYTES = 24 * 1024
const CHUNK_OVERHEAD = 12

/** A whole PNG chunk that decoders skip (ancillary, private), repeatable with the same checksum. */
const PADDING = pngChunk('paDd', noise(1, PIECE_BYTES - CHUNK_OVERHEAD))
const PADDING_BASE64 = base64(PADDING)

const MAGIC: Record<string, Uint8Array> = {
  jpeg: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00),
  webp: new TextEncoder().encode('RIFF\0\0\0\0WEBPVP8 '),
  gif: new TextEncoder().encode('GIF89a'),
}

/**
 * A picture determined by its seed. A PNG decodes; JPEG, WebP and GIF have the right magic and noise behind it. The
 * length is exact where it is large enough; an SVG ignores it.
 */
export async function makePicture(format: string, seed: string, length = 0): Promise<Picture> {
  const hash = await sha256(seed)
  if (format === 'svg') return { head: svg(hash), paddings: 0, tail: new Uint8Array(0) }
  const isPng = format === 'png'
  const start = new DataView(hash.buffer).getUint32(0)
  const end = isPng ? await pngPixels(hash) : noise(start, 256)
  const spare = length - PNG_HEAD.length - end.length - CHUNK_OVERHEAD
  const paddings = spare < 0 ? 0 : Math.floor(spare / PIECE_BYTES)
  const filler = spare < 0 ? new Uint8Array(0) : pngChunk('paDd', noise(start, spare % PIECE_BYTES))
  const tail = concatenate(filler, end)
  const head = isPng ? PNG_HEAD : headOf(format, start, PNG_HEAD.length + paddings * PIECE_BYTES + tail.length)
  return { head, paddings, tail }
}

/** Any bytes in the place of a picture. */
export const notAPicture = (text: string): Picture => ({
  head: new TextEncoder().encode(text),
  paddings: 0,
  tail: new Uint8Array(0),
})

export const pictureLength = ({ head, paddings, tail }: Picture): number =>
  head.length + paddings * PIECE_BYTES + tail.length

/** The picture's bytes in read-only pieces. */
export function* piecesOf({ head, paddings, tail }: Picture): Generator<Uint8Array, void> {
  yield head
  for (let count = 0; count < paddings; count++) yield PADDING
  for (let from = 0; from < tail.length; from += PIECE_BYTES) yield tail.subarray(from, from + PIECE_BYTES)
}

/** The picture's base64 in pieces. */
export function* base64Of(picture: Picture): Generator<string, void> {
  for (const piece of piecesOf(picture)) yield piece === PADDING ? PADDING_BASE64 : base64(piece)
}

export const base64Length = (picture: Picture): number => 4 * Math.ceil(pictureLength(picture) / 3)

export async function sha256(content: Uint8Array<ArrayBuffer> | string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = typeof content === 'string' ? Uint8Array.from(new TextEncoder().encode(content)) : content
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** Node 24 lacks `toHex` and `toBase64`. */
export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

function headOf(format: string, start: number, length: number): Uint8Array {
  const head = noise(start, PNG_HEAD.length)
  head.set(MAGIC[format] ?? new Uint8Array(0))
  if (format === 'webp') new DataView(head.buffer).setUint32(4, length - 8, true)
  return head
}

function svg(hash: Uint8Array): Uint8Array {
  const colour = hex(hash.subarray(0, 3))
  const title = hex(hash.subarray(3, 11))
  return new TextEncoder().encode(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><title>${title}</title>` +
      `<rect width="16" height="16" fill="#${colour}"/></svg>`,
  )
}

/** Pseudo-random bytes (a linear congruential generator), the same for the same start. */
function noise(start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = start >>> 0
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}
