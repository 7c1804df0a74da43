/** The side of every picture in pixels, small, since the tests need only decodable ones. */
const PNG_EDGE = 16

export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const TRUE_COLOUR = 2

/** The first 33 bytes of every picture: the signature and the IHDR chunk of an 8-bit RGB picture. */
export const PNG_HEAD = concatenate(PNG_SIGNATURE, pngChunk('IHDR', header()))

/** The chunks after the head (IDAT and IEND): rows of pixels with colours from 32 bytes of `colours`. */
export async function pngPixels(colours: Uint8Array): Promise<Uint8Array> {
  const at = (index: number): number => colours[index % colours.length] ?? 0
  const rows = Array.from({ length: PNG_EDGE }, (_, y) => {
    const pixel = [at(2 * y), at(2 * y + 1), at(y + 7)]
    const filter = 0
    return [filter, ...Array.from({ length: PNG_EDGE }, () => pixel).flat()]
  })
  const deflated = await deflate(Uint8Array.from(rows.flat()))
  return concatenate(pngChunk('IDAT', deflated), pngChunk('IEND', new Uint8Array(0)))
}

/** A picture of any size, of one colour. */
export async function plainPng(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const rows = new Uint8Array(height * (1 + 3 * width)).fill(0x80)
  const filter = 0
  for (let at = 0; at < rows.length; at += 1 + 3 * width) rows[at] = filter
  const end = pngChunk('IEND', new Uint8Array(0))
  const [head, body] = [pngChunk('IHDR', header(width, height)), pngChunk('IDAT', await deflate(rows))]
  return Uint8Array.from(concatenate(PNG_SIGNATURE, head, body, end))
}

/** A chunk with its length and checksum. A type in lower case is ancillary, and decoders skip it. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, data.length)
  chunk.set(new TextEncoder().encode(type), 4)
  chunk.set(data, 8)
  view.setUint32(data.length + 8, crc32(chunk.subarray(4, data.length + 8)))
  return chunk
}

export function concatenate(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let end = 0
  for (const part of parts) {
    whole.set(part, end)
    end += part.length
  }
  return whole
}

function header(width = PNG_EDGE, height = PNG_EDGE): Uint8Array {
  const data = new Uint8Array(13)
  const view = new DataView(data.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  data.set([8, TRUE_COLOUR], 8)
  return data
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const deflated = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(deflated).arrayBuffer())
}

/** The checksum of PNG (ISO 3309), bit by bit, since the pictures are small and the padding is checked once. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
