import { endUserId, imageCount, modelName, promptText, shortValue } from '../request-limits'
import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { tooManyImages, unknownParameter } from '../../failures/parameters'
import { checked } from '../../failures/checked'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import type { BodyPicture, PictureSource } from '../picture-source'
import { readJsonBody, sourceAt } from '../json-body'
import type { Failure } from '../../failures/errors'
import { OPENROUTER_RATIOS, OPENROUTER_RESOLUTIONS, openrouterSize, sizeParamOf } from './size'

/** Options of an answer. */
export const openrouterAnswerOptions = z.object({
  stream: z.boolean(),
  /** The parameter that asked for the size; rows of earlier versions lack it. */
  sizeParam: z.string().optional(),
})
export type OpenrouterAnswerOptions = z.infer<typeof openrouterAnswerOptions>

/** The limit of OpenAI's Images API. */
export const MAX_REFERENCES = 16
/** The previews of a stream; a request cannot choose their number. */
const STREAM_PARTIALS = 2

const openrouterBody = z.strictObject({
  model: modelName,
  prompt: promptText,
  n: imageCount.nullish(),
  size: shortValue.nullish(),
  resolution: z.enum(OPENROUTER_RESOLUTIONS).nullish(),
  aspect_ratio: z.enum(OPENROUTER_RATIOS).nullish(),
  quality: shortValue.nullish(),
  background: shortValue.nullish(),
  output_format: shortValue.nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  input_references: z
    .array(z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }))
    .nullish(),
  seed: z.int().nullish(),
  stream: z.boolean().nullish(),
  user: endUserId.nullish(),
  // Labels for logs; this gateway has its own.
  session_id: z.string().max(256).nullish(),
  trace: z.record(z.string(), z.unknown()).nullish(),
  provider: z.record(z.string(), z.unknown()).nullish(),
})

type OpenrouterFields = z.infer<typeof openrouterBody>

/** Reads a request. Throws GatewayError. */
export async function parseOpenrouter(intake: Intake): Promise<ParsedRequest<OpenrouterAnswerOptions>> {
  const tooMany = (): Failure => tooManyImages('input_references', MAX_REFERENCES)
  const check = (known: Record<string, unknown>): void => void intake.replaceModel({ ...known })
  const places = { isPicture: isReference, most: MAX_REFERENCES, tooMany, check }
  const { fields, pictures } = await readJsonBody(intake, places)
  const adjustments: Adjustment[] = []
  adjustments.push(...intake.replaceModel(fields))
  const valid = checked(openrouterBody, fields)
  if (Object.keys(valid.provider ?? {}).length > 0)
    adjustments.push({ note: 'provider', refusal: NO_CHOICE_OF_PROVIDER })
  const stream = valid.stream ?? false
  return {
    request: openrouterRequest(valid, pictures),
    adjustments,
    options: { stream, sizeParam: sizeParamOf(valid) },
  }
}

/** `input_references[0].image_url.url` */
const isReference = ([name, index, part, key, ...rest]: Path): boolean =>
  name === 'input_references' && typeof index === 'number' && part === 'image_url' && key === 'url' && rest.length === 0

const NO_CHOICE_OF_PROVIDER = unknownParameter('provider', 'This gateway itself chooses who serves a request.')

function openrouterRequest(fields: OpenrouterFields, pictures: BodyPicture[]): ImageRequestOf<PictureSource> {
  const { model, prompt, seed, user } = fields
  const references = fields.input_references ?? []
  return {
    operation: references.length > 0 ? 'edit' : 'generate',
    model,
    prompt,
    n: fields.n ?? DEFAULTS.n,
    size: openrouterSize(fields),
    quality: fields.quality ?? DEFAULTS.quality,
    background: fields.background ?? DEFAULTS.background,
    format: fields.output_format ?? DEFAULTS.format,
    compression: fields.output_compression ?? DEFAULTS.compression,
    moderation: DEFAULTS.moderation,
    extras: typeof seed === 'number' ? { seed } : {},
    images: references.map(({ image_url: { url } }, at) =>
      sourceAt(pictures, url, `input_references[${at}].image_url.url`),
    ),
    partials: fields.stream ? STREAM_PARTIALS : 0,
    ...(user ? { endUser: user } : {}),
  }
}
