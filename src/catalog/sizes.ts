import type { SizeFault } from '../refusals/refusal'

/** Width and height in pixels, or of a ratio. */
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

/** What becomes of an asked size with a model. */
export interface Verdict {
  /** Why the model does not make the size. */
  fault?: SizeFault | undefined
  /** What can be made for it, be it the same or what comes nearest; without a fault, missing where it is the same. */
  nearest?: Pixels | undefined
}

/** The pixels of a size written as `WIDTHxHEIGHT`; undefined for `auto` and anything else. */
export function pixelsOf(size: string): Pixels | undefined {
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(size) ?? []
  return width && height ? { width: Number(width), height: Number(height) } : undefined
}

/** A size as `WIDTHxHEIGHT`. */
export const sizeText = ({ width, height }: Pixels): string => `${width}x${height}`

/** A list of sizes by their two edges, each of which may be the width. */
export const eitherWay = (edges: readonly (readonly [number, number])[]): Sizes => ({
  kind: 'listed',
  sizes: [...new Set(edges.flatMap(([a, b]) => [`${a}x${b}`, `${b}x${a}`]))],
})

export const ratioOf = ({ width, height }: Pixels): number => width / height

export const areaOf = ({ width, height }: Pixels): number => width * height

/** How many times as long as the shorter edge the longer one is. */
export const elongationOf = ({ width, height }: Pixels): number => Math.max(width, height) / Math.min(width, height)

/** The same edges, lying or upright as a ratio does. */
export function turnedLike(ratio: Pixels, edges: Pixels): Pixels {
  const [short, long] = [Math.min(edges.width, edges.height), Math.max(edges.width, edges.height)]
  return ratio.width < ratio.height ? { width: short, height: long } : { width: long, height: short }
}

/** How many times as large the larger of two is. */
export const timesApart = (a: number, b: number): number => Math.max(a / b, b / a)

export function nearestTo<Item>(
  value: number,
  items: readonly Item[],
  valueOf: (item: Item) => number,
): Item | undefined {
  return items.toSorted((a, b) => timesApart(value, valueOf(a)) - timesApart(value, valueOf(b)))[0]
}
