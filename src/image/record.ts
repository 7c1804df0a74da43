import * as z from 'zod'

/** A picture in R2, as its upstream made it, or cropped. */
export const storedImage = z.object({
  /** The key of the object in R2. */
  key: z.string(),
  /** Its size in bytes. The length of an answer is computed from it. */
  bytes: z.number(),
  mediaType: z.string(),
  /** The upstream's revised prompt. */
  revisedPrompt: z.string().optional(),
})
export type StoredImage = z.infer<typeof storedImage>

/** A preview of an unfinished picture: the `partial`th, from 0, of the picture at `index`. */
export interface PartialImage {
  image: StoredImage
  index: number
  partial: number
}

const tokenCounts = z.object({ text: z.number(), image: z.number() })

/** The token counts of the upstream. */
export const usageSchema = z.object({
  input: z.number(),
  inputDetails: tokenCounts.optional(),
  output: z.number(),
  outputDetails: tokenCounts.optional(),
  total: z.number(),
})
export type Usage = z.infer<typeof usageSchema>

/** The sum of two usages. Details need details in both. */
export const addUsage = (one: Usage, other: Usage): Usage => ({
  input: one.input + other.input,
  inputDetails: addTokens(one.inputDetails, other.inputDetails),
  output: one.output + other.output,
  outputDetails: addTokens(one.outputDetails, other.outputDetails),
  total: one.total + other.total,
})

/** Whether two usages have the same counts. */
export const isSameUsage = (one: Usage, other: Usage): boolean =>
  one.input === other.input && one.output === other.output && one.total === other.total

type TokenCounts = z.infer<typeof tokenCounts>
const addTokens = (one: TokenCounts | undefined, other: TokenCounts | undefined): TokenCounts | undefined =>
  one && other && { text: one.text + other.text, image: one.image + other.image }

/** The canonical answer. Every dialect renders it, for a new, joined or cached generation. */
export const imageRecord = z.object({
  /** The id of its generation: `gen_` and the fingerprint, or a random id for unshared ones. */
  id: z.string(),
  /** The end of the generation, in ms since 1970. */
  createdMs: z.number(),
  /** The time of the upstream, in ms. */
  tookMs: z.number(),
  operation: z.enum(['generate', 'edit']),
  /** The upstream's name of the model. */
  model: z.string(),
  upstream: z.object({
    name: z.string(),
    /** The number of the account, from 0. */
    account: z.number(),
    /** The upstream's id of the request, and the billed organisation. For audits, never for clients. */
    requestId: z.string().optional(),
    organization: z.string().optional(),
  }),
  images: z.array(storedImage).min(1),
  /** The real value, if known; never `auto`. */
  size: z.string().optional(),
  quality: z.string().optional(),
  background: z.string().optional(),
  format: z.string().optional(),
  usage: usageSchema.optional(),
  /** The cost in micro-USD, if a price is known. */
  cost: z.number().optional(),
  /** The accounts that were tried or skipped, in order, each with its outcome. */
  route: z.string().optional(),
  /** The adjustments, as in `x-adjusted`. */
  adjusted: z.array(z.string()).optional(),
})
export type ImageRecord = z.infer<typeof imageRecord>
