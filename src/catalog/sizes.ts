import type { Failure } from '../errors'
import { invalidSize, invalidValue } from './refusals'

/** Width and height in pixels. */
export interface Pixels {
  width: number
  height: number
}

/** A size at the smallest resolution of a model that has aspect ratios and resolutions, not sizes. */
export interface Shape extends Pixels {
  /** As its API names it, such as `16:9`. */
  ratio: string
}

/** Which sizes a model makes. */
export type Sizes =
  /** Any within the bounds of gpt-image-2 and its successors. */
  | { kind: 'free' }
  | { kind: 'listed'; sizes: readonly string[] }
  /** Any whose edges are from `min` to `max` pixels long; `auto` is the size made where none is asked for. */
  | { kind: 'range'; min: number; max: number; auto: string }
  /** Each shape in each of several resolutions, which multiply its edges. */
  | { kind: 'shaped'; shapes: readonly Shape[]; scales: readonly number[] }
  /** Whatever its upstream says. */
  | { kind: 'unknown' }

/** The pixels of a size written as `WIDTHxHEIGHT`; undefined for `auto` and anything else. */
export function pixelsOf(size: string): Pixels | undefined {
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(size) ?? []
  return width && height ? { width: Number(width), height: Number(height) } : undefined
}

/** A size to ask the model for, differing from the asked one where another comes near it; or why there is none. */
export function fitSize(asked: string, sizes: Sizes): { size: string; refusal?: Failure } | { refusal: Failure } {
  if (asked === 'auto' || sizes.kind === 'unknown') return { size: asked }
  if (sizes.kind === 'listed') {
    return sizes.sizes.includes(asked)
      ? { size: asked }
      : { refusal: invalidValue('size', asked, [...sizes.sizes, 'auto']) }
  }
  const pixels = pixelsOf(asked)
  if (!pixels) return { refusal: invalidSize(asked, "Expected WIDTHxHEIGHT, for example '1824x1024'.") }
  const { fault, nearest } = verdictOn(pixels, sizes)
  if (!fault) return { size: asked }
  const refusal = invalidSize(asked, fault)
  return nearest ? { size: `${nearest.width}x${nearest.height}`, refusal } : { refusal }
}

/** Why a size cannot be made, and what can be made in its place; nothing where it can. */
interface Verdict {
  fault?: string | undefined
  nearest?: Pixels | undefined
}

type Bounded = Exclude<Sizes, { kind: 'listed' | 'unknown' }>

function verdictOn(asked: Pixels, sizes: Bounded): Verdict {
  if (sizes.kind === 'free') return freely(asked)
  return sizes.kind === 'range' ? within(asked, sizes) : shaped(asked, sizes)
}

/** The bounds of gpt-image-2 and its successors, in pixels (protocols §1.2). */
const STEP = 16
const MAX_EDGE = 3840
const MAX_RATIO = 3
const MIN_PIXELS = 655_360
const MAX_PIXELS = 8_294_400

function freely(asked: Pixels): Verdict {
  const nearest = { width: nearestStep(asked.width), height: nearestStep(asked.height) }
  return { fault: faultOf(asked), nearest: faultOf(nearest) ? undefined : nearest }
}

const nearestStep = (edge: number): number => Math.round(edge / STEP) * STEP

/** Why a size is not allowed, in the order in which OpenAI checks; undefined where it is. */
function faultOf({ width, height }: Pixels): string | undefined {
  const pixels = width * height
  if (width % STEP || height % STEP) return `Width and height must both be divisible by ${STEP}.`
  if (Math.max(width, height) > MAX_EDGE) return `Neither edge may be longer than ${MAX_EDGE} pixels.`
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) {
    return `The longer edge may be at most ${MAX_RATIO} times the shorter one.`
  }
  if (pixels < MIN_PIXELS) {
    return `The requested resolution is below the current minimum pixel budget of ${MIN_PIXELS} pixels.`
  }
  if (pixels > MAX_PIXELS) {
    return `The requested resolution is above the current maximum pixel budget of ${MAX_PIXELS} pixels.`
  }
  return undefined
}

/** What is too large or too small is scaled in proportion. */
function within({ width, height }: Pixels, { min, max }: { min: number; max: number }): Verdict {
  const fits = (pixels: Pixels): boolean =>
    Math.min(pixels.width, pixels.height) >= min && Math.max(pixels.width, pixels.height) <= max
  if (fits({ width, height })) return {}
  const longest = Math.max(width, height)
  const factor = longest > max ? max / longest : min / Math.min(width, height)
  const nearest = { width: Math.round(width * factor), height: Math.round(height * factor) }
  const fault = `Width and height must both be from ${min} to ${max} pixels.`
  return { fault, nearest: fits(nearest) ? nearest : undefined }
}

/** How much longer or shorter one edge may become where only certain aspect ratios are made: by a quarter. */
const MAX_STRETCH = 1.25

/** The nearest aspect ratio, and in that the nearest resolution. */
function shaped(asked: Pixels, { shapes, scales }: { shapes: readonly Shape[]; scales: readonly number[] }): Verdict {
  const ratioOf = ({ width, height }: Pixels): number => width / height
  const shape = nearestTo(ratioOf(asked), shapes, ratioOf)
  if (!shape || timesApart(ratioOf(asked), ratioOf(shape)) > MAX_STRETCH) {
    return { fault: `The aspect ratio must be near one of ${shapes.map(({ ratio }) => ratio).join(', ')}.` }
  }
  const sizes = scales.map((scale) => ({ width: shape.width * scale, height: shape.height * scale }))
  const nearest = nearestTo(asked.width * asked.height, sizes, ({ width, height }) => width * height)
  if (nearest?.width === asked.width && nearest.height === asked.height) return {}
  return { fault: `The nearest that this model makes is ${nearest?.width}x${nearest?.height}.`, nearest }
}

/** How many times as large the larger of two is. */
const timesApart = (a: number, b: number): number => Math.max(a / b, b / a)

function nearestTo<Item>(value: number, items: readonly Item[], valueOf: (item: Item) => number): Item | undefined {
  return items.toSorted((a, b) => timesApart(value, valueOf(a)) - timesApart(value, valueOf(b)))[0]
}
