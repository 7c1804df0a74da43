import type { ImageRequestOf } from '../image/request'
import { type GeminiResolution, geminiShape } from './gemini-sizes'
import { pixelsOf } from './sizes'

/** Tokens by kind and direction. */
export interface TokenCount {
  textIn: number
  imageIn: number
  textOut: number
  imageOut: number
}

/** The highest expected tokens of a request. Its quality is never `auto`. */
export type TokenEstimate = (request: ImageRequestOf<unknown>) => TokenCount

/** Output tokens of one image (protocols §1.9). */
const TOKEN_TABLE: readonly { quality: string; size: string; tokens: number }[] = [
  { quality: 'low', size: '1024x1024', tokens: 272 },
  { quality: 'low', size: '1024x1536', tokens: 408 },
  { quality: 'low', size: '1536x1024', tokens: 400 },
  { quality: 'medium', size: '1024x1024', tokens: 1056 },
  { quality: 'medium', size: '1024x1536', tokens: 1584 },
  { quality: 'medium', size: '1536x1024', tokens: 1568 },
  { quality: 'high', size: '1024x1024', tokens: 4160 },
  { quality: 'high', size: '1024x1536', tokens: 6240 },
  { quality: 'high', size: '1536x1024', tokens: 6208 },
]

/**
 * Output tokens of one image by the table, or the largest match for an unknown quality or size.
 * @internal Exported for its tests.
 */
export function tableTokens(quality: string, size: string): number {
  const rows = nonEmpty(
    TOKEN_TABLE.filter((row) => row.quality === quality),
    TOKEN_TABLE,
  )
  const cells = nonEmpty(
    rows.filter((row) => row.size === size),
    rows,
  )
  return Math.max(...cells.map(({ tokens }) => tokens))
}

const nonEmpty = <Item>(items: readonly Item[], otherwise: readonly Item[]): readonly Item[] =>
  items.length > 0 ? items : otherwise

/** The base of each quality in the formula. */
export type Bases = ReadonlyMap<string, number>
export const BASES_2: Bases = new Map([
  ['low', 16],
  ['medium', 48],
  ['high', 96],
])
export const BASES_2_5: Bases = new Map([
  ['low', 16],
  ['medium', 24],
  ['high', 48],
  ['xhigh', 64],
  ['max', 96],
])

/** The factor of each quality against the formula; 1 for others. */
type Surcharge = ReadonlyMap<string, number>

/** gpt-image-2.6 takes three to four times the tokens of 2.5 at these qualities (protocols §1.9). */
export const SURCHARGE_2_6: Surcharge = new Map([
  ['low', 4],
  ['medium', 4],
])

/** The size for `auto` and for any text without pixels. */
const AUTO_PIXELS = { width: 1024, height: 1024 }

/**
 * Output tokens of one image by the official calculator's formula (protocols §1.9). An unknown quality has the highest
 * base.
 * @internal Exported for its tests.
 */
export function formulaTokens(bases: Bases, quality: string, size: string): number {
  const base = bases.get(quality) ?? Math.max(...bases.values())
  const { width, height } = pixelsOf(size) ?? AUTO_PIXELS
  const units = roundHalfToEven((base * Math.min(width, height)) / Math.max(width, height))
  return Math.ceil((base * units * (2_000_000 + width * height)) / 4_000_000)
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}

/** A token has at least one byte, and four on average in English. So this is four times the usual count. */
const textTokens = ({ prompt }: ImageRequestOf<unknown>): number => new TextEncoder().encode(prompt).length

/** The number of input pictures. Mask and markup count too, because nothing documents them as free. */
const inputCount = ({ images, mask, markup }: ImageRequestOf<unknown>): number =>
  [...images, mask, markup].filter((each) => each !== undefined).length

/**
 * Input tokens of a picture: 65, 129 for each tile of 512 pixels, and 6240 at high fidelity (protocols §1.9).
 * Its dimensions are unknown, so it counts as 2048x2048 with 16 tiles.
 */
const tiledPicture = ({ inputFidelity }: ImageRequestOf<unknown>): number =>
  65 + 16 * 129 + (inputFidelity === 'high' ? 6240 : 0)

/** The most input tokens of a picture (protocols §1.9, documented for 2.5 and assumed for its relatives). */
const PATCHED_PICTURE = 1536

/** Output tokens of the previews of each image (protocols §1.1). */
const previewTokens = ({ partials }: ImageRequestOf<unknown>): number => partials * 100

/** For gpt-image-1, 1.5 and 1-mini. `surplus` is the extra of the published prices, as input tokens for each image. */
export const byTable =
  (surplus = 0): TokenEstimate =>
  (request) => ({
    textIn: textTokens(request),
    imageIn: inputCount(request) * tiledPicture(request) + request.n * surplus,
    textOut: 0,
    imageOut: request.n * (tableTokens(request.quality, request.size) + previewTokens(request)),
  })

/** The default number of frames of a GIF (protocols §1.1). */
export const DEFAULT_FRAMES = 9

const framesOf = ({ format, extras: { frame_count: frames } }: ImageRequestOf<unknown>): number =>
  format === 'gif' ? (typeof frames === 'number' ? frames : DEFAULT_FRAMES) : 1

/** For gpt-image-2 and its successors. */
export const byFormula =
  (bases: Bases, surcharge: Surcharge = new Map()): TokenEstimate =>
  (request) => {
    const { n, quality, size } = request
    const frame = (surcharge.get(quality) ?? 1) * formulaTokens(bases, quality, size)
    return {
      textIn: textTokens(request),
      imageIn: inputCount(request) * PATCHED_PICTURE,
      textOut: 0,
      imageOut: n * (framesOf(request) * frame + previewTokens(request)),
    }
  }

/** Input tokens of a picture. Google documents them for 3.1-flash alone (protocols §3.2). */
const GEMINI_PICTURE = 1120

/** Text and thoughts around a Gemini picture: a measured answer had 340 and 337 tokens (protocols §3.2). */
const GEMINI_TEXT = 700

/** For Gemini. Each image is a call with its own input, and `auto` is 1K (protocols §3.2). */
export const byResolution =
  (tokens: Partial<Record<GeminiResolution, number>>): TokenEstimate =>
  (request) => ({
    textIn: request.n * textTokens(request),
    imageIn: request.n * inputCount(request) * GEMINI_PICTURE,
    textOut: request.n * GEMINI_TEXT,
    imageOut: request.n * resolutionTokens(tokens, request.size),
  })

function resolutionTokens(tokens: Partial<Record<GeminiResolution, number>>, size: string): number {
  const resolution = size === 'auto' ? '1K' : geminiShape(size)?.resolution
  return (resolution && tokens[resolution]) ?? Math.max(...Object.values(tokens))
}

/** The highest expected input tokens of a request. A model without a rule is counted by Google's. */
export const inputTokens = (
  request: ImageRequestOf<unknown>,
  tokens: TokenEstimate = byResolution({ '1K': 0 }),
): Pick<TokenCount, 'textIn' | 'imageIn'> => tokens(request)
