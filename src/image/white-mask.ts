import type { Bytes } from '../streams/bytes'
import { greyPng } from './grey-png'
import { type PngHead, PngReader, UnreadablePng } from './png'

/** The mask cannot be used. The message is fit for clients. */
export class UnusableMask extends Error {}

/** These limits exceed every model's. They bound the time; memory holds a few rows and the result. */
const MAX_MASK_PIXELS = 4096 * 4096
const MAX_MASK_EDGE = 16_384

/** Alpha below this counts as transparent, because the result has no shades of grey. */
const OPAQUE = 128

/**
 * The mask in the form of most APIs: white for the part to edit, black elsewhere. The input is a PNG that is
 * transparent in that part, as OpenAI has it (protocols §1.3).
 * Undefined for a PNG without transparency, which counts as black and white already. Throws UnusableMask, and the
 * errors of the bytes.
 */
export async function whiteMask(png: Bytes): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await whiteMaskOf(await PngReader.open(png))
  } catch (error) {
    throw error instanceof UnreadablePng ? new UnusableMask('it is no PNG that can be read', { cause: error }) : error
  }
}

async function whiteMaskOf(reader: PngReader): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { head } = reader
  const refusal = hasTransparency(head) ? maskRefusal(head) : undefined
  if (refusal || !hasTransparency(head)) await reader.close()
  if (refusal) throw new UnusableMask(refusal)
  if (!hasTransparency(head)) return undefined
  let isBlack = true
  async function* rows(): AsyncGenerator<Uint8Array, void> {
    const white = new Uint8Array(head.width)
    for await (const row of reader.rows()) {
      for (let at = 0; at < white.length; at++) white[at] = alphaAt(row, at, head) < OPAQUE ? 255 : 0
      isBlack &&= !white.includes(255)
      yield white
    }
  }
  const mask = await greyPng(head.width, head.height, rows())
  return isBlack ? undefined : mask
}

const PALETTE = 3
const WITH_ALPHA = [4, 6]

const hasTransparency = ({ colour, transparency }: PngHead): boolean =>
  WITH_ALPHA.includes(colour) || transparency !== undefined

function maskRefusal({ width, height, colour, isInterlaced }: PngHead): string | undefined {
  if (Math.max(width, height) > MAX_MASK_EDGE) return `it has an edge of more than ${MAX_MASK_EDGE} pixels`
  if (width * height > MAX_MASK_PIXELS) return `it has more than ${MAX_MASK_PIXELS} pixels`
  if (isInterlaced) return 'it is interlaced'
  return WITH_ALPHA.includes(colour) || colour === PALETTE ? undefined : 'one of its colours stands for transparency'
}

function alphaAt(row: Uint8Array, at: number, { depth, colour, transparency }: PngHead): number {
  if (colour !== PALETTE) {
    // Alpha is the last sample. Of two bytes, the first is the higher one.
    const step = ((colour === 6 ? 4 : 2) * depth) / 8
    return row[at * step + step - depth / 8] ?? 0
  }
  const bit = at * depth
  const index = ((row[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
  return transparency?.[index] ?? 255
}
