import { MAX_PROMPT, modelName, shortValue } from '../request-limits'
import * as z from 'zod'
import { decimal } from '../../failures/checked'
import { refusing } from '../../failures/refuse'
import { DEFAULT_FRAMES } from '../../catalog/tokens'
import { DEFAULTS, type ImageRequest } from '../../image/request'

/** Parameters that the Images API and the tool of the Responses API share (protocols §1.1, §2.3). */
export const sharedParameters = z.object({
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

/** The parameters in the terms of the core, with all defaults. */
type SharedSettings = Pick<
  ImageRequest,
  'size' | 'quality' | 'background' | 'moderation' | 'format' | 'compression' | 'extras'
>

export const sharedSettings = (parameters: z.infer<typeof sharedParameters>): SharedSettings => ({
  size: parameters.size ?? DEFAULTS.size,
  quality: parameters.quality ?? DEFAULTS.quality,
  background: parameters.background ?? DEFAULTS.background,
  moderation: parameters.moderation ?? DEFAULTS.moderation,
  format: parameters.output_format ?? DEFAULTS.format,
  compression: parameters.output_compression ?? DEFAULTS.compression,
  extras: withoutNulls({
    complexity: parameters.complexity,
    frame_count: parameters.frame_count === DEFAULT_FRAMES ? null : parameters.frame_count,
    frame_duration_ms: parameters.frame_duration_ms === DEFAULT_FRAME_MS ? null : parameters.frame_duration_ms,
    svg: parameters.svg,
  }),
})

/** Parameters of many other models, by their usual names (protocols §4, §6); a model without them refuses them. */
export const extraParameters = z.object({
  seed: z.int().nullish(),
  negative_prompt: z.string().max(MAX_PROMPT).nullish(),
  steps: z.int().min(1).nullish(),
  guidance: decimal.nullish(),
  /** The distance of an edit from its picture. */
  strength: decimal.min(0).max(1).nullish(),
  /** Whether the picture shows a mark of its maker. */
  watermark: z.boolean().nullish(),
})

/** The parameters as extras of a request; clients send an empty field as an empty text. */
export const extraSettings = ({
  seed,
  negative_prompt,
  steps,
  guidance,
  strength,
  watermark,
}: z.infer<typeof extraParameters>): SharedSettings['extras'] =>
  withoutNulls({ seed, negative_prompt: negative_prompt || null, steps, guidance, strength, watermark })

/** The default time of a frame of a GIF, in ms (protocols §1.1). */
const DEFAULT_FRAME_MS = 200

/** Null equals a missing parameter (protocols §1.1). */
const withoutNulls = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

/** The refusal of previews without a stream. */
export const PARTIALS_NEED_STREAM = refusing({ reason: 'partials_without_stream', field: 'partials' })
