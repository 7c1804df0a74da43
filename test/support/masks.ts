import { PhotonImage } from '@cf-wasm/photon/others'
import { loadPhoton } from '../../src/image/photon.ts'
import { concatenate, pngChunk, PNG_SIGNATURE } from './png.ts'

/** A picture of samples, as in a PNG. */
export interface Samples {
  width: number
  height: number
  depth: number
  /** 0 grey, 2 colours, 3 palette, 4 grey with alpha, 6 colours with alpha. */
  colour: number
  /** The samples of a pixel, of the picture's depth. */
  pixel: (x: number, y: number) => number[]
  /** The filter of each row, by its number modulo the list's length. */
  filters?: number[]
  /** Chunks before the pixels, such as a palette. */
  before?: Uint8Array[]
  isInterlaced?: boolean
  /** The number of bytes of pixels in one chunk. */
  pieceBytes?: number
}

/** Writes a PNG (PNG specification, §7–§11). */
export async function pngOf(samples: Samples): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, depth, colour, before = [], isInterlaced = false, pieceBytes = 50 } = samples
  const header = new DataView(new ArrayBuffer(13))
  header.setUint32(0, width)
  header.setUint32(4, height)
  new Uint8Array(header.buffer).set([depth, colour, 0, 0, Number(isInterlaced)], 8)
  const pixels = await deflated(concatenate(...filtered(samples)))
  const pieces = Array.from({ length: Math.ceil(pixels.length / pieceBytes) }, (_, at) =>
    pngChunk('IDAT', pixels.slice(at * pieceBytes, (at + 1) * pieceBytes)),
  )
  const ends = [PNG_SIGNATURE, pngChunk('IHDR', new Uint8Array(header.buffer))]
  return Uint8Array.from(concatenate(...ends, ...before, ...pieces, pngChunk('IEND', new Uint8Array(0))))
}

function filtered({ width, height, depth, pixel, filters = [0] }: Samples): Uint8Array[] {
  const rows = Array.from({ length: height }, (_, y) =>
    packed(Array.from({ length: width }, (__, x) => pixel(x, y)).flat(), depth),
  )
  const step = Math.max(1, Math.floor((pixel(0, 0).length * depth) / 8))
  return rows.map((row, y) => {
    const above = rows[y - 1] ?? new Uint8Array(row.length)
    const filter = filters[y % filters.length] ?? 0
    const taken = row.map((byte, at) => {
      const [left, up, corner] = [row[at - step] ?? 0, above[at] ?? 0, above[at - step] ?? 0]
      return byte - ([0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0)
    })
    return concatenate(Uint8Array.of(filter), taken)
  })
}

const paeth = (left: number, up: number, corner: number): number =>
  [left, up, corner].toSorted((a, b) => Math.abs(left + up - corner - a) - Math.abs(left + up - corner - b))[0] ?? 0

function packed(samples: number[], depth: number): Uint8Array {
  if (depth === 16) return Uint8Array.from(samples.flatMap((sample) => [sample >> 8, sample & 255]))
  const row = new Uint8Array(Math.ceil((samples.length * depth) / 8))
  for (const [at, sample] of samples.entries()) {
    const bit = at * depth
    row[bit >> 3] = (row[bit >> 3] ?? 0) | (sample << (8 - depth - (bit & 7)))
  }
  return row
}

async function deflated(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** A mask in OpenAI's form, of `width` by 4 pixels: transparent in its left half, over a picture. */
export const alphaMask = (width = 6): Promise<Uint8Array<ArrayBuffer>> =>
  pngOf({ width, height: 4, depth: 8, colour: 6, pixel: (x, y) => [40 * x, 60 * y, 7, x < width / 2 ? 0 : 255] })

/** The pixels of an independent decoder: red, green, blue and alpha of each, as hex, row by row. */
export async function pixelsOf(png: Uint8Array): Promise<string[][]> {
  await loadPhoton()
  const picture = PhotonImage.new_from_byteslice(png)
  const [width, raw] = [picture.get_width(), picture.get_raw_pixels()]
  const pixels = Array.from({ length: raw.length / 4 }, (_, at) => raw.slice(at * 4, at * 4 + 4).toHex())
  return Array.from({ length: picture.get_height() }, (_, y) => pixels.slice(y * width, (y + 1) * width))
}

export const [WHITE, BLACK] = ['ffffffff', '000000ff']
