import { MAX_PROMPT, modelName, shortValue } from '../request-limits'
import * as z from 'zod'
import { decimal } from '../../refusals/checked'
import { refusing } from '../../refusals/refuse'
import { DEFAULT_FRAMES } from '../../catalog/tokens'
import { DEFAULTS, type ImageRequest } from '../../image/request'

/** What may be said of a picture, alike in the Images API and to the tool of the Responses API (protocols §1.1, §2.3). */
export const parameters = z.object({
  size: shortValue.nullish(),
  quality: shortValue.nullish(),
  background: shortValue.nullish(),
  moderation: shortValue.nullish(),
  output_format: shortValue.nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  partial_images: z.int().min(0).max(3).nullish(),
  complexity: z.enum(['low', 'medium', 'high']).nullish(),
  frame_count: z.int().min(2).max(16).nullish(),
  frame_duration_ms: z.int().min(0).nullish(),
  svg: z
    .strictObject({
      model: modelName.nullish(),
      reasoning: z.strictObject({ effort: shortValue.nullish() }).nullish(),
    })
    .nullish(),
})

/** The same in our own terms, with every default filled in. */
type Described = Pick<
  ImageRequest,
  'size' | 'quality' | 'background' | 'moderation' | 'format' | 'compression' | 'extras'
>

export const described = (said: z.infer<typeof parameters>): Described => ({
  size: said.size ?? DEFAULTS.size,
  quality: said.quality ?? DEFAULTS.quality,
  background: said.background ?? DEFAULTS.background,
  moderation: said.moderation ?? DEFAULTS.moderation,
  format: said.output_format ?? DEFAULTS.format,
  compression: said.output_compression ?? DEFAULTS.compression,
  extras: given({
    complexity: said.complexity,
    frame_count: said.frame_count === DEFAULT_FRAMES ? null : said.frame_count,
    frame_duration_ms: said.frame_duration_ms === DEFAULT_FRAME_MS ? null : said.frame_duration_ms,
    svg: said.svg,
  }),
})

/**
 * What many models besides OpenAI's can be told, by the names that most of their APIs have for it (protocols §4, §6); a
 * model that cannot refuses it.
 */
export const knobs = z.object({
  seed: z.int().nullish(),
  negative_prompt: z.string().max(MAX_PROMPT).nullish(),
  steps: z.int().min(1).nullish(),
  guidance: decimal.nullish(),
  /** How far an edit departs from its picture. */
  strength: decimal.min(0).max(1).nullish(),
})

/** The same as the extras of a request; an empty text says nothing, which clients send from an empty field of theirs. */
export const turned = ({
  seed,
  negative_prompt,
  steps,
  guidance,
  strength,
}: z.infer<typeof knobs>): Described['extras'] =>
  given({ seed, negative_prompt: negative_prompt || null, steps, guidance, strength })

/** How long a frame of a GIF is shown when nothing is said (protocols §1.1). */
const DEFAULT_FRAME_MS = 200

/** Null means the same as leaving a parameter out (protocols §1.1). */
const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

/** What is told where previews are asked for but no stream. */
export const NO_PARTIALS = refusing({ reason: 'partials_without_stream', field: 'partials' })
