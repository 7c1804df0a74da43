import { endUserId, imageCount, modelName, promptText, shortValue } from '../request-limits'
import { MAX_MODEL_NAME } from '../../upstreams/names'
import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { invalidParameter, unknownParameter } from '../../refusals/parameters'
import { GatewayError } from '../../runtime/errors'
import { DEFAULTS, type ImageRequest, type InputImage } from '../../image/request'
import { boundaryOf } from '../../streams/multipart'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { checked } from '../../refusals/checked'
import { type JsonBody, mapInTurn, type BodyPicture, inputImageAt } from '../json-body'
import { readForm, readJson } from './body'
import { described, knobs, NO_PARTIALS, parameters, turned } from '../openai/parameters'
import { editForVariation, imagesOfGeneration, modernize } from '../openai/legacy'

/** Options of an answer. */
export const imagesAnswerOptions = z.object({ as: z.enum(['url', 'b64_json', 'both']), stream: z.boolean() })
export type ImagesAnswerOptions = z.infer<typeof imagesAnswerOptions>

export type Operation = 'generations' | 'edits' | 'variations'

const picture = z.strictObject({ image_url: z.string() })

const generation = z.strictObject({
  model: modelName,
  prompt: promptText,
  n: imageCount.nullish(),
  ...parameters.shape,
  ...knobs.shape,
  stream: z.boolean().nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  style: shortValue.nullish(),
})

const edit = generation.extend({
  images: z.array(picture).min(1).max(16),
  mask: picture.nullish(),
  markup: picture.nullish(),
  input_fidelity: z.enum(['low', 'high']).nullish(),
})

type Fields = z.infer<typeof generation> & Partial<z.infer<typeof edit>>

/** Reads a request of one route; `deployment` is the model of its path. Throws GatewayError. */
export async function parse(
  intake: Intake,
  operation: Operation,
  deployment?: string,
): Promise<ParsedRequest<ImagesAnswerOptions>> {
  const boundary = operation === 'generations' ? undefined : boundaryOf(intake.header('content-type'))
  const body = boundary ? await readForm(intake, boundary) : await readJson(intake)
  const { fields, adjustments, schema } = translated(body, operation, boundary !== undefined)
  if (deployment !== undefined) adjustments.push(...deployed(fields, deployment))
  adjustments.push(...intake.replaceModel(fields))
  const valid: Fields = checked(schema, fields)
  const stream = valid.stream ?? false
  if (valid.partial_images && !stream)
    adjustments.push({ note: `partial_images=${valid.partial_images}>0`, refusal: NO_PARTIALS })
  if (stream && valid.response_format === 'url')
    adjustments.push({ note: 'response_format=url>b64_json', refusal: NO_URLS })
  const as = valid.response_format ?? 'both'
  return { request: await requestOf(valid, body.pictures, intake), adjustments, options: { as, stream } }
}

const NO_URLS = invalidParameter('response_format', "A stream has no URLs. Leave 'response_format' out, or 'stream'.")

/** Puts the model of the path in place of the body's and reports a difference. */
function deployed(fields: JsonBody['fields'], deployment: string): Adjustment[] {
  const model = fields['model'] ?? deployment
  // The schema refuses other values with the rest of the body.
  if (typeof model !== 'string' || model.length > MAX_MODEL_NAME) return []
  fields['model'] = deployment
  if (model === deployment) return []
  return [
    {
      note: `model=${model}>${deployment}`,
      refusal: invalidParameter('model', "The path names another model. Leave 'model' out of the body."),
    },
  ]
}

interface Translated {
  fields: JsonBody['fields']
  adjustments: Adjustment[]
  schema: typeof generation | typeof edit
}

/** Renames old parameters and chooses the schema of the request. */
function translated({ fields: given }: JsonBody, operation: Operation, form: boolean): Translated {
  const { fields, adjustments } = modernize(given)
  const asEdit = (edited: { fields: JsonBody['fields']; adjustments: Adjustment[] }): Translated => ({
    fields: edited.fields,
    adjustments: [...adjustments, ...edited.adjustments],
    schema: edit,
  })
  if (operation === 'variations') return asEdit(editForVariation(fields))
  if ('image' in fields && 'images' in fields)
    throw new GatewayError(invalidParameter('image', "Send either 'image' or 'images'."))
  if (!('image' in fields) || form) return { fields, adjustments, schema: operation === 'edits' ? edit : generation }
  if (operation === 'generations') return asEdit(imagesOfGeneration(fields))
  throw new GatewayError(unknownParameter('image', "For application/json requests, use 'images' (array)."))
}

async function requestOf(fields: Fields, pictures: BodyPicture[], intake: Intake): Promise<ImageRequest> {
  const { model, prompt, images, mask, markup, style, input_fidelity } = fields
  const take = ({ image_url }: { image_url: string }, param: string): Promise<InputImage> =>
    inputImageAt(intake, pictures, image_url, param)
  const said = described(fields)
  const endUser = fields.safety_identifier || fields.user
  return {
    operation: images ? 'edit' : 'generate',
    model,
    prompt,
    n: fields.n ?? DEFAULTS.n,
    ...said,
    extras: { ...said.extras, ...turned(fields) },
    ...(style ? { style } : {}),
    ...(input_fidelity ? { inputFidelity: input_fidelity } : {}),
    images: await mapInTurn(images ?? [], (each, at) => take(each, `images[${at}].image_url`)),
    ...(mask ? { mask: await take(mask, 'mask.image_url') } : {}),
    ...(markup ? { markup: await take(markup, 'markup.image_url') } : {}),
    partials: fields.stream ? (fields.partial_images ?? 0) : 0,
    ...(endUser ? { endUser } : {}),
  }
}
