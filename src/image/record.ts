import * as z from 'zod'

/** A picture in R2: as its upstream made it, or cropped. */
const storedImage = z.object({
  /** The key of the object in R2. */
  key: z.string(),
  /** Its size in bytes, from which an answer's length is known before it is read. */
  bytes: z.number(),
  mediaType: z.string(),
  /** The prompt as the upstream rewrote it. */
  revisedPrompt: z.string().optional(),
})
export type StoredImage = z.infer<typeof storedImage>

/** A preview of a picture that is still being made: the `partial`th, from 0, of the picture at `index`. */
export interface PartialImage {
  image: StoredImage
  index: number
  partial: number
}

const tokenCounts = z.object({ text: z.number(), image: z.number() })

/** Token counts as the upstream reported them. */
const usageSchema = z.object({
  input: z.number(),
  inputDetails: tokenCounts.optional(),
  output: z.number(),
  outputDetails: tokenCounts.optional(),
  total: z.number(),
})
export type Usage = z.infer<typeof usageSchema>

/** Of two answers together; the details where both were told. */
export const addUsage = (one: Usage, other: Usage): Usage => ({
  input: one.input + other.input,
  inputDetails: addTokens(one.inputDetails, other.inputDetails),
  output: one.output + other.output,
  outputDetails: addTokens(one.outputDetails, other.outputDetails),
  total: one.total + other.total,
})

type TokenCounts = z.infer<typeof tokenCounts>
const addTokens = (one: TokenCounts | undefined, other: TokenCounts | undefined): TokenCounts | undefined =>
  one && other && { text: one.text + other.text, image: one.image + other.image }

/** The canonical answer: what every dialect renders, whether it is new, joined or cached. */
export const imageRecord = z.object({
  /** The generation that made it: `gen_` and its fingerprint, or a random id where nothing is shared. */
  id: z.string(),
  /** When it was finished, in ms since 1970. */
  createdMs: z.number(),
  /** How long the upstream took, in ms. */
  tookMs: z.number(),
  operation: z.enum(['generate', 'edit']),
  /** The model as the upstream that served it calls it. */
  model: z.string(),
  upstream: z.object({
    name: z.string(),
    /** Which of its credentials, from 0. */
    account: z.number(),
    /** The upstream's own id of the request, and the organisation it was billed to: for audits, never for clients. */
    requestId: z.string().optional(),
    organization: z.string().optional(),
  }),
  images: z.array(storedImage).min(1),
  /** What was really used, where it is known: never `auto`. */
  size: z.string().optional(),
  quality: z.string().optional(),
  background: z.string().optional(),
  format: z.string().optional(),
  usage: usageSchema.optional(),
  /** What it cost, in micro-USD, where a price is known. */
  cost: z.number().optional(),
  /** Which accounts were asked or passed over for it, in order, and what came of each. */
  route: z.string().optional(),
  /** In what its upstream was asked for something else, as `x-adjusted` tells it. */
  adjusted: z.array(z.string()).optional(),
})
export type ImageRecord = z.infer<typeof imageRecord>
