import { createHash } from 'node:crypto'
import { crc32, inflateSync } from 'node:zlib'
import { makePicture, piecesOf } from '../../support/fake-picture.ts'

/** An answer of OpenAI's images, in all versions of its client. */
interface Answer {
  data?: { b64_json?: string; url?: string }[]
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A PNG of so many bytes, or of the least possible; each seed gives another. */
export async function pngFile(name: string, seed: string, bytes = 0): Promise<File> {
  return new File(
    Array.from(piecesOf(await makePicture('png', seed, bytes)), (piece) => piece.slice()),
    name,
    { type: 'image/png' },
  )
}

export const sha256OfFile = async (file: File): Promise<string> => sha256(await file.bytes())

/** The pictures of an answer in base64. */
export const decoded = ({ data = [] }: Answer): Buffer[] =>
  data.map(({ b64_json }) => Buffer.from(b64_json ?? '', 'base64'))

/** The pictures behind an answer's links. */
export const fetched = ({ data = [] }: Answer): Promise<Buffer[]> =>
  Promise.all(data.map(async ({ url = '' }) => Buffer.from(await (await fetch(url)).arrayBuffer())))

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** Decodes a PNG with 8 bits per channel. Throws if a checksum is wrong or pixels are missing. */
export function decodePng(png: Buffer): { width: number; height: number } {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error('this is no PNG')
  const data: Buffer[] = []
  for (let at = 8; at < png.length;) {
    const end = at + 8 + png.readUInt32BE(at)
    if (png.readUInt32BE(end) !== crc32(png.subarray(at + 4, end))) throw new Error(`the checksum at ${end} is wrong`)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, end))
    at = end + 4
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const channels = CHANNELS[png.readUInt8(25)] ?? Number.NaN
  const rows = inflateSync(Buffer.concat(data))
  if (rows.length !== height * (1 + width * channels)) throw new Error(`there are ${rows.length} bytes of pixels`)
  return { width, height }
}
