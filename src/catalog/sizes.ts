import type { SizeFault } from '../failures/refusal'

/** Width and height in pixels, or as a ratio. */
export interface Pixels {
  width: number
  height: number
}

/** A size at the lowest resolution of a model with aspect ratios and resolutions. */
export interface Shape extends Pixels {
  /** The API's name, such as `16:9`. */
  ratio: string
}

/** The sizes of a model. */
export type Sizes =
  /** Any within the bounds of gpt-image-2 and its successors. */
  | { kind: 'free' }
  | { kind: 'listed'; sizes: readonly string[] }
  /** Edges from `min` to `max` pixels. `auto` is the default size. */
  | { kind: 'range'; min: number; max: number; auto: string }
  /** Each shape at each scale of its edges. */
  | { kind: 'shaped'; shapes: readonly Shape[]; scales: readonly number[] }
  /** The upstream decides. */
  | { kind: 'unknown' }

/** The result of fitting a size to a model. */
export interface Verdict {
  /** The reason why the size is not made exactly. */
  fault?: SizeFault | undefined
  /** The nearest size. Undefined if there is none, or if the size itself is made. */
  nearest?: Pixels | undefined
}

/** The pixels of `WIDTHxHEIGHT`. Undefined for `auto` and any other text. */
export function pixelsOf(size: string): Pixels | undefined {
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(size) ?? []
  return width && height ? { width: Number(width), height: Number(height) } : undefined
}

/** A size as `WIDTHxHEIGHT`. */
export const sizeText = ({ width, height }: Pixels): string => `${width}x${height}`

/** Sizes for pairs of edges, in both orientations. */
export const eitherWay = (edges: readonly (readonly [number, number])[]): Sizes => ({
  kind: 'listed',
  sizes: [...new Set(edges.flatMap(([a, b]) => [`${a}x${b}`, `${b}x${a}`]))],
})

export const ratioOf = ({ width, height }: Pixels): number => width / height

export const areaOf = ({ width, height }: Pixels): number => width * height

/** The longer edge divided by the shorter one. */
export const elongationOf = ({ width, height }: Pixels): number => Math.max(width, height) / Math.min(width, height)

/** The same edges in the orientation of a ratio. */
export function turnedLike(ratio: Pixels, edges: Pixels): Pixels {
  const [short, long] = [Math.min(edges.width, edges.height), Math.max(edges.width, edges.height)]
  return ratio.width < ratio.height ? { width: short, height: long } : { width: long, height: short }
}

/** The largest factor between the edges of a size and its replacement. A size farther away is a slip. */
export const MAX_SCALE = 16

/** The larger value divided by the smaller one. */
export const timesApart = (a: number, b: number): number => Math.max(a / b, b / a)

export function nearestTo<Item>(
  value: number,
  items: readonly Item[],
  valueOf: (item: Item) => number,
): Item | undefined {
  return items.toSorted((a, b) => timesApart(value, valueOf(a)) - timesApart(value, valueOf(b)))[0]
}
