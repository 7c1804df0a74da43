import { hash } from 'node:crypto'
import * as z from 'zod'

const inputImage = z.object({
  /** The key of the object in R2. */
  key: z.string(),
  /** SHA-256 of the content, in hex. Equal hashes mean equal inputs. */
  sha256: z.string(),
  /** Its size in bytes. */
  bytes: z.number(),
  mediaType: z.string(),
})
/** An input picture of a request, stored in R2 under `inputs/`. */
export type InputImage = z.infer<typeof inputImage>

/**
 * The canonical request. Every dialect translates into it and fills in all defaults. `Input` is the form of its input
 * pictures.
 */
export interface ImageRequestOf<Input> {
  operation: 'generate' | 'edit'
  model: string
  prompt: string
  /** The number of pictures, from 1. */
  n: number
  /** `auto` or `WIDTHxHEIGHT` in pixels. Before it is fitted to a model, also a shape (`catalog/shapes.ts`). */
  size: string
  /** The size to which each finished picture is cropped or scaled, in pixels, if `size` is not the requested size. */
  crop?: string
  quality: string
  background: string
  format: string
  /** 0 to 100. 100 for formats without compression. */
  compression: number
  moderation: string
  style?: string
  /** The closeness of an edit to its input pictures, for models with that parameter. */
  inputFidelity?: string
  /** Parameters of some models only, by their names in OpenAI's API: `complexity`, `frame_count`, … */
  extras: Record<string, unknown>
  images: readonly Input[]
  mask?: Input
  markup?: Input
  /** The previews of each picture, from 0 to 3. Not part of the fingerprint. */
  partials: number
  /** The end user's id for the upstream's abuse detection. Not part of the fingerprint. */
  endUser?: string
}

/** A request with its input pictures in R2. */
export type ImageRequest = ImageRequestOf<InputImage>

/** A request as objects store it; its fields are those of `ImageRequestOf`. */
export const imageRequestSchema = z.object({
  operation: z.enum(['generate', 'edit']),
  model: z.string(),
  prompt: z.string(),
  n: z.number(),
  size: z.string(),
  crop: z.string().exactOptional(),
  quality: z.string(),
  background: z.string(),
  format: z.string(),
  compression: z.number(),
  moderation: z.string(),
  style: z.string().exactOptional(),
  inputFidelity: z.string().exactOptional(),
  extras: z.record(z.string(), z.unknown()),
  images: z.array(inputImage).readonly(),
  mask: inputImage.exactOptional(),
  markup: inputImage.exactOptional(),
  partials: z.number(),
  endUser: z.string().exactOptional(),
} satisfies Record<keyof ImageRequest, z.ZodType>) satisfies z.ZodType<ImageRequest>

/** The most pictures of one edit in OpenAI's Images API (protocols §1.3), and of a model without a known limit. */
export const MAX_INPUTS = 16

/** The defaults of a request (protocols §1.1). */
export const DEFAULTS = {
  n: 1,
  size: 'auto',
  quality: 'auto',
  background: 'auto',
  format: 'png',
  compression: 100,
  moderation: 'auto',
} as const

/** Undefined for the default value, which need not be sent. */
export const unless = <Value>(usual: Value, value: Value): Value | undefined => (value === usual ? undefined : value)

/**
 * The identity of a request: SHA-256, in hex, of everything that decides the picture, and of the `scope` of sharing.
 */
export function fingerprint(request: ImageRequest, scope: string): string {
  const { endUser: _, partials: __, images, mask, markup, ...rest } = request
  const inputs = { images: images.map(contentOf), mask: mask && contentOf(mask), markup: markup && contentOf(markup) }
  return hash('sha256', canonicalJson({ scope, ...rest, ...inputs }))
}

const contentOf = (input: InputImage): string => input.sha256

/** JSON with sorted keys and without undefined values, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
