import type { ImageRequest } from '../image/request'
import { geminiShape, type GeminiResolution } from './gemini-sizes'
import { pixelsOf } from './sizes'

/** Numbers of tokens, by what they stand for and which way they go. */
export interface TokenCount {
  textIn: number
  imageIn: number
  textOut: number
  imageOut: number
}

/** How many tokens a request is expected to use at most. Its quality is never `auto`. */
export type TokenEstimate = (request: ImageRequest) => TokenCount

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

/** What the formula calls the base of a quality. */
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

/** What `auto` is taken for, and whatever else is no size in pixels. */
const AUTO_PIXELS = { width: 1024, height: 1024 }

/**
 * Output tokens of one image by the official calculator's formula (protocols §1.9); an unknown quality has the highest base.
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

/** No token is of less than a byte; an English one is of four, so that this is four times as many as most prompts take. */
const textTokens = ({ prompt }: ImageRequest): number => new TextEncoder().encode(prompt).length

/** How many pictures come with a request; mask and markup count, since nothing says that they are free. */
const inputCount = ({ images, mask, markup }: ImageRequest): number =>
  [...images, mask, markup].filter((each) => each !== undefined).length

/**
 * Input tokens of a picture: 65, and 129 for each tile of 512 pixels, and up to 6240 more at high fidelity (protocols
 * §1.9). Its dimensions are not known, so that it counts as one of 2048x2048, which has 16 tiles.
 */
const tiledPicture = ({ inputFidelity }: ImageRequest): number => 65 + 16 * 129 + (inputFidelity === 'high' ? 6240 : 0)

/** Input tokens of a picture, at most (protocols §1.9, read for 2.5 and assumed of its relatives). */
const PATCHED_PICTURE = 1536

/** Output tokens of the previews of each image (protocols §1.1). */
const previewTokens = ({ partials }: ImageRequest): number => partials * 100

/** For gpt-image-1, 1.5 and 1-mini; `surplus` is what their published prices have in them besides, as input for each image. */
export const byTable =
  (surplus = 0): TokenEstimate =>
  (request) => ({
    textIn: textTokens(request),
    imageIn: inputCount(request) * tiledPicture(request) + request.n * surplus,
    textOut: 0,
    imageOut: request.n * (tableTokens(request.quality, request.size) + previewTokens(request)),
  })

/** How many pictures a GIF is made of when nothing is said (protocols §1.1). */
export const DEFAULT_FRAMES = 9

const framesOf = ({ format, extras: { frame_count: frames } }: ImageRequest): number =>
  format === 'gif' ? (typeof frames === 'number' ? frames : DEFAULT_FRAMES) : 1

/** For gpt-image-2 and its successors. */
export const byFormula =
  (bases: Bases): TokenEstimate =>
  (request) => ({
    textIn: textTokens(request),
    imageIn: inputCount(request) * PATCHED_PICTURE,
    textOut: 0,
    imageOut:
      request.n * (framesOf(request) * formulaTokens(bases, request.quality, request.size) + previewTokens(request)),
  })

/** Input tokens of a picture, which Google does not tell for every model: taken for those of a 1K picture on its way out. */
const GEMINI_PICTURE = 1120

/** For Gemini, which makes one image for each call, so that each image has its input anew; `auto` is 1K (protocols §3.2). */
export const byResolution =
  (tokens: Partial<Record<GeminiResolution, number>>): TokenEstimate =>
  (request) => ({
    textIn: request.n * textTokens(request),
    imageIn: request.n * inputCount(request) * GEMINI_PICTURE,
    textOut: 0,
    imageOut: request.n * resolutionTokens(tokens, request.size),
  })

function resolutionTokens(tokens: Partial<Record<GeminiResolution, number>>, size: string): number {
  const resolution = size === 'auto' ? '1K' : geminiShape(size)?.resolution
  return (resolution && tokens[resolution]) ?? Math.max(...Object.values(tokens))
}
