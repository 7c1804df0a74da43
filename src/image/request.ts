import { createHash } from 'node:crypto'

/** A picture that came with a request, kept in R2 under `inputs/`. */
export interface InputImage {
  /** The key of the object in R2. */
  key: string
  /** SHA-256 of its content, hex; what makes two inputs the same. */
  sha256: string
  /** Its size in bytes. */
  bytes: number
  mediaType: string
}

/** The canonical question: what every dialect translates into, with every default filled in. */
export interface ImageRequest {
  operation: 'generate' | 'edit'
  model: string
  prompt: string
  /** How many pictures, from 1. */
  n: number
  /** `auto` or `WIDTHxHEIGHT` in pixels; until it is fitted to its model, also a shape (`catalog/shapes.ts`). */
  size: string
  /** What each picture is cropped to once it is made, in pixels, where `size` is not what was asked for. */
  crop?: string
  quality: string
  background: string
  format: string
  /** 0 to 100; 100 where the format has no compression. */
  compression: number
  moderation: string
  style?: string
  /** How closely an edit keeps to its pictures, for the models that let it be chosen. */
  inputFidelity?: string
  /** What only some models know, by its name in OpenAI's API: `complexity`, `frame_count`, … */
  extras: Record<string, unknown>
  images: InputImage[]
  mask?: InputImage
  markup?: InputImage
  /** How many previews of each picture are wanted while it is made, from 0 to 3; not part of what is asked. */
  partials: number
  /** The end user's id, passed on for the upstream's abuse detection; not part of what is asked. */
  endUser?: string
}

/** What a request means where it says nothing (protocols §1.1). */
export const DEFAULTS = {
  n: 1,
  size: 'auto',
  quality: 'auto',
  background: 'auto',
  format: 'png',
  compression: 100,
  moderation: 'auto',
} as const

/** A value, unless it is the usual one, which need not be said. */
export const unless = <Value>(usual: Value, value: Value): Value | undefined => (value === usual ? undefined : value)

/** The identity of a request: SHA-256, hex, of what decides the picture and of the `scope` within which it is shared. */
export function fingerprint(request: ImageRequest, scope: string): string {
  const { endUser: _, partials: __, images, mask, markup, ...rest } = request
  const inputs = { images: images.map(contentOf), mask: mask && contentOf(mask), markup: markup && contentOf(markup) }
  return createHash('sha256')
    .update(canonicalJson({ scope, ...rest, ...inputs }))
    .digest('hex')
}

const contentOf = (input: InputImage): string => input.sha256

/** JSON with the keys of every object sorted and what is undefined left out, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
