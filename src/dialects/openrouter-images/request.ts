import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { tooManyInputs, unknownParameter } from '../../refusals/refusals'
import { checked } from '../../refusals/checked'
import { DEFAULTS, type ImageRequest } from '../../image/request'
import type { Path } from '../../streams/json'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { mapInTurn, type BodyPicture, readJsonBody, inputImageAt } from '../json-body'
import { RATIOS, RESOLUTIONS, sizeOf } from './size'

/** How the caller wants its pictures. */
export const openrouterAnswerOptions = z.object({ stream: z.boolean() })
export type OpenrouterAnswerOptions = z.infer<typeof openrouterAnswerOptions>

/** As many as OpenAI's images API takes. */
const MAX_PICTURES = 16
/** A stream is asked for its previews; nothing in the request says how many. */
const PARTIALS = 2

/** No value that any model knows is longer. */
const word = z.string().max(64)

const body = z.strictObject({
  model: z.string().max(256),
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  size: word.nullish(),
  resolution: z.enum(RESOLUTIONS).nullish(),
  aspect_ratio: z.enum(RATIOS).nullish(),
  quality: word.nullish(),
  background: word.nullish(),
  output_format: word.nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  input_references: z
    .array(z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }))
    .nullish(),
  seed: z.int().nullish(),
  stream: z.boolean().nullish(),
  user: z.string().max(512).nullish(),
  // These two are for logs, of which this gateway keeps its own.
  session_id: z.string().max(256).nullish(),
  trace: z.record(z.string(), z.unknown()).nullish(),
  provider: z.record(z.string(), z.unknown()).nullish(),
})

type Fields = z.infer<typeof body>

/** Reads a request. Throws GatewayError. */
export async function parse(intake: Intake): Promise<ParsedRequest<OpenrouterAnswerOptions>> {
  const tooMany = (): ReturnType<typeof tooManyInputs> => tooManyInputs(MAX_PICTURES)
  const { fields, pictures } = await readJsonBody(intake, { isPicture, most: MAX_PICTURES, tooMany })
  const adjustments: Adjustment[] = []
  if (typeof fields['model'] === 'string') {
    const meant = intake.model(fields['model'])
    fields['model'] = meant.model
    adjustments.push(...meant.adjustments)
  }
  const valid = checked(body, fields)
  if (Object.keys(valid.provider ?? {}).length > 0) adjustments.push({ note: 'provider', refusal: NO_CHOICE })
  const stream = valid.stream ?? false
  return { request: await requestOf(valid, pictures, intake), adjustments, options: { stream } }
}

/** `input_references[0].image_url.url` */
const isPicture = ([name, index, part, key, ...rest]: Path): boolean =>
  name === 'input_references' && typeof index === 'number' && part === 'image_url' && key === 'url' && rest.length === 0

const NO_CHOICE = unknownParameter('provider', 'This gateway itself chooses who serves a request.')

async function requestOf(fields: Fields, pictures: BodyPicture[], intake: Intake): Promise<ImageRequest> {
  const { model, prompt, seed, user } = fields
  const references = fields.input_references ?? []
  return {
    operation: references.length > 0 ? 'edit' : 'generate',
    model,
    prompt,
    n: fields.n ?? DEFAULTS.n,
    size: sizeOf(fields),
    quality: fields.quality ?? DEFAULTS.quality,
    background: fields.background ?? DEFAULTS.background,
    format: fields.output_format ?? DEFAULTS.format,
    compression: fields.output_compression ?? DEFAULTS.compression,
    moderation: DEFAULTS.moderation,
    extras: typeof seed === 'number' ? { seed } : {},
    images: await mapInTurn(references, ({ image_url: { url } }, at) =>
      inputImageAt(intake, pictures, url, `input_references[${at}].image_url.url`),
    ),
    partials: fields.stream ? PARTIALS : 0,
    ...(user ? { endUser: user } : {}),
  }
}
