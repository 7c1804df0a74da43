import { randomBytes } from 'node:crypto'

export const MIB = 1024 * 1024

/** The beginning of every picture of the benchmark: the gateway reads the type from the bytes. */
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A multiple of 3, so that pieces encoded one by one are the base64 of the whole. */
const PIECE_BYTES = 192 * 1024

const later = randomBytes(PIECE_BYTES)
const first = Buffer.concat([PNG_SIGNATURE, later.subarray(PNG_SIGNATURE.length)])
const encodedLater = Buffer.from(later.toString('base64'))
const encodedFirst = Buffer.from(first.toString('base64'))

/** The bytes of a picture of this size. All pieces are made beforehand, so that sending costs almost nothing. */
export function* pieces(bytes: number): Generator<Buffer> {
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES) {
    const piece = sent === 0 ? first : later
    yield bytes - sent < PIECE_BYTES ? piece.subarray(0, bytes - sent) : piece
  }
}

/** The same picture as base64; only a shorter last piece is encoded anew. */
export function* base64Pieces(bytes: number): Generator<Buffer> {
  for (const piece of pieces(bytes)) {
    if (piece === first) yield encodedFirst
    else if (piece === later) yield encodedLater
    else yield Buffer.from(piece.toString('base64'))
  }
}

export const base64Length = (bytes: number): number => 4 * Math.ceil(bytes / 3)
