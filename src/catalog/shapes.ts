import { areaOf, nearestTo, type Pixels, timesApart } from './sizes'

/** An aspect ratio, a resolution, or both: how the wire formats ask for a size that do not count pixels. */
export interface AskedShape {
  /** Such as `16:9`. */
  ratio: string | undefined
  /** `512`, `1K`, `2K` or `4K`. */
  resolution: string | undefined
}

const ASKED_RESOLUTIONS = ['512', '1K', '2K', '4K'] as const
export type AskedResolution = (typeof ASKED_RESOLUTIONS)[number]

/** How many pixels a picture of each resolution has, whatever its ratio; of 4K, the most that gpt-image-2 makes. */
export const AREAS: Readonly<Record<AskedResolution, number>> = {
  '512': 512 * 512,
  '1K': 1024 * 1024,
  '2K': 2048 * 2048,
  '4K': 3840 * 2160,
}

const RATIO = '([1-9]\\d{0,2}:[1-9]\\d{0,2})'
const RESOLUTION = `(${ASKED_RESOLUTIONS.join('|')})`
const SHAPE = new RegExp(`^(?:${RATIO}(?: ${RESOLUTION})?|${RESOLUTION})$`)

/** A shape as the size of a request, until that is fitted to its model: `16:9`, `2K`, `16:9 2K`; `auto` for none. */
export const shapeText = ({ ratio, resolution }: AskedShape): string =>
  [ratio === 'auto' ? undefined : ratio, resolution].filter(Boolean).join(' ') || 'auto'

/**
 * The shape that a request's size stands for, with its ratio in numbers; undefined where it is `auto`, or counts pixels.
 * 1K is what every wire format means that says nothing of the resolution.
 */
export function parseShape(size: string): { ratio: Pixels | undefined; resolution: AskedResolution } | undefined {
  const [all, ratio, after, alone] = SHAPE.exec(size) ?? []
  if (!all) return undefined
  const resolution = ASKED_RESOLUTIONS.find((each) => each === (after ?? alone)) ?? '1K'
  const [width, height] = ratio?.split(':').map(Number) ?? []
  return { ratio: width && height ? { width, height } : undefined, resolution }
}

/** The resolution that a size comes nearest to. */
export const resolutionOf = (pixels: Pixels): AskedResolution =>
  nearestTo(areaOf(pixels), ASKED_RESOLUTIONS, (resolution) => AREAS[resolution]) ?? '1K'

/** How far apart two ratios may be to count as one: edges come in steps, and Gemini's 16:9 is 1376x768. */
const TOLERANCE = 1.02

export const isSameRatio = (a: number, b: number): boolean => timesApart(a, b) <= TOLERANCE
