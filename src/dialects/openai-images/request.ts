import { endUserId, imageCount, modelName, promptText, shortValue } from '../request-limits'
import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { invalidParameter } from '../../failures/parameters'
import { GatewayError } from '../../failures/errors'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import { boundaryOf, isForm } from '../../streams/multipart'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { checked } from '../../failures/checked'
import type { BodyPicture, PictureSource } from '../picture-source'
import { type JsonBody, sourceAt } from '../json-body'
import { NO_BOUNDARY, readImagesForm, readImagesJson } from './body'
import {
  sharedSettings,
  extraParameters,
  PARTIALS_NEED_STREAM,
  sharedParameters,
  extraSettings,
} from '../openai/shared-parameters'
import { variationAsEdit, imagesOfRelays, isLegacyName, modernizeParameters } from '../openai/legacy'

/** Options of an answer. */
export const imagesAnswerOptions = z.object({ as: z.enum(['url', 'b64_json', 'both']), stream: z.boolean() })
export type ImagesAnswerOptions = z.infer<typeof imagesAnswerOptions>

export type Operation = 'generations' | 'edits' | 'variations'

const pictureObject = z.strictObject({ image_url: z.string() })

const generationBody = z.strictObject({
  model: modelName,
  prompt: promptText,
  n: imageCount.nullish(),
  ...sharedParameters.shape,
  ...extraParameters.shape,
  stream: z.boolean().nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  style: shortValue.nullish(),
})

const editBody = generationBody.extend({
  images: z.array(pictureObject).min(1).max(16),
  mask: pictureObject.nullish(),
  markup: pictureObject.nullish(),
  input_fidelity: z.enum(['low', 'high']).nullish(),
})

type ImagesFields = z.infer<typeof generationBody> & Partial<z.infer<typeof editBody>>

/** Reads a request of one route. Throws GatewayError. */
export async function parseImages(intake: Intake, operation: Operation): Promise<ParsedRequest<ImagesAnswerOptions>> {
  const boundary = operation === 'generations' ? undefined : formBoundary(intake)
  const check = (known: JsonBody['fields']): void => void intake.replaceModel({ ...known })
  const body = boundary
    ? await readImagesForm(intake, boundary, isTextField, check)
    : await readImagesJson(intake, check)
  const { fields, adjustments, schema } = modernBody(body.fields, operation)
  adjustments.push(...intake.replaceModel(fields))
  const valid: ImagesFields = checked(schema, fields)
  const stream = valid.stream ?? false
  if (valid.partial_images && !stream)
    adjustments.push({ note: `partial_images=${valid.partial_images}>0`, refusal: PARTIALS_NEED_STREAM })
  if (stream && valid.response_format === 'url')
    adjustments.push({ note: 'response_format=url>b64_json', refusal: NO_URLS_IN_STREAM })
  const as = valid.response_format ?? 'both'
  return { request: imagesRequest(valid, body.pictures), adjustments, options: { as, stream } }
}

/** The boundary of a form; undefined for another body. Throws GatewayError for a form without one. */
function formBoundary(intake: Intake): string | undefined {
  const type = intake.header('content-type')
  const boundary = boundaryOf(type)
  if (boundary === undefined && isForm(type)) throw new GatewayError(NO_BOUNDARY)
  return boundary
}

/** Whether a parameter of the API or of relays' clients is a text in a form. */
const isTextField = (name: string): boolean => Object.hasOwn(editBody.shape, name) || isLegacyName(name)

const NO_URLS_IN_STREAM = invalidParameter(
  'response_format',
  "A stream has no URLs. Leave 'response_format' out, or 'stream'.",
)

interface ModernBody {
  fields: JsonBody['fields']
  adjustments: Adjustment[]
  schema: typeof generationBody | typeof editBody
}

/** Renames old parameters and chooses the schema of the request. Throws GatewayError. */
function modernBody(given: JsonBody['fields'], operation: Operation): ModernBody {
  const { fields, adjustments } = modernizeParameters(given)
  if ('image' in fields && 'images' in fields)
    throw new GatewayError(invalidParameter('image', "Send either 'image' or 'images'."))
  const pictured = 'image' in fields ? imagesOfRelays(fields) : { fields, adjustments: [] }
  const varied = operation === 'variations' ? variationAsEdit(pictured.fields) : { ...pictured, adjustments: [] }
  const isEdit = operation !== 'generations' || pictured.fields !== fields
  return {
    fields: varied.fields,
    adjustments: [...adjustments, ...pictured.adjustments, ...varied.adjustments],
    schema: isEdit ? editBody : generationBody,
  }
}

function imagesRequest(fields: ImagesFields, pictures: BodyPicture[]): ImageRequestOf<PictureSource> {
  const { model, prompt, images, mask, markup, style, input_fidelity } = fields
  const take = ({ image_url }: { image_url: string }, param: string): PictureSource =>
    sourceAt(pictures, image_url, param)
  const settings = sharedSettings(fields)
  const endUser = fields.safety_identifier || fields.user
  return {
    operation: images ? 'edit' : 'generate',
    model,
    prompt,
    n: fields.n ?? DEFAULTS.n,
    ...settings,
    extras: { ...settings.extras, ...extraSettings(fields) },
    ...(style ? { style } : {}),
    ...(input_fidelity ? { inputFidelity: input_fidelity } : {}),
    images: (images ?? []).map((each, at) => take(each, `images[${at}].image_url`)),
    ...(mask ? { mask: take(mask, 'mask.image_url') } : {}),
    ...(markup ? { markup: take(markup, 'markup.image_url') } : {}),
    partials: fields.stream ? (fields.partial_images ?? 0) : 0,
    ...(endUser ? { endUser } : {}),
  }
}
