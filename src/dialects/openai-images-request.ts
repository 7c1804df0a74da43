import * as z from 'zod'
import type { Adjustment } from '../catalog/fit'
import { notTogether, unknownParameter } from '../catalog/refusals'
import { DEFAULT_FRAMES } from '../catalog/tokens'
import { GatewayError } from '../errors'
import { DEFAULTS, type ImageRequest, type InputImage } from '../image/request'
import { boundaryOf } from '../streams/multipart'
import type { Asked } from './dialect'
import type { Intake } from './intake'
import { checked } from '../checked'
import { type Body, type Picture, readForm, readJson } from './openai-images-body'
import { editForVariation, imagesOfGeneration, modernize } from './openai-images-legacy'

/** How the caller wants its pictures. */
export const wants = z.object({ as: z.enum(['url', 'b64_json', 'both']), stream: z.boolean() })
export type Wants = z.infer<typeof wants>

export type Operation = 'generations' | 'edits' | 'variations'

const picture = z.strictObject({ image_url: z.string() })

/** No value that any model knows is longer. */
const word = z.string().max(64)

const generation = z.strictObject({
  model: z.string().max(256),
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  size: word.nullish(),
  quality: word.nullish(),
  background: word.nullish(),
  moderation: word.nullish(),
  output_format: word.nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(3).nullish(),
  complexity: z.enum(['low', 'medium', 'high']).nullish(),
  frame_count: z.int().min(2).max(16).nullish(),
  frame_duration_ms: z.int().min(0).nullish(),
  svg: z.record(z.string(), z.unknown()).nullish(),
  safety_identifier: z.string().max(512).nullish(),
  user: z.string().max(512).nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  style: z.enum(['vivid', 'natural']).nullish(),
})

const edit = generation.extend({
  images: z.array(picture).min(1).max(16),
  mask: picture.nullish(),
  markup: picture.nullish(),
  input_fidelity: z.enum(['low', 'high']).nullish(),
})

type Fields = z.infer<typeof generation> & Partial<z.infer<typeof edit>>

/** Reads a request to one of the API's routes. Throws GatewayError. */
export async function parse(intake: Intake, operation: Operation): Promise<Asked<Wants>> {
  const boundary = operation === 'generations' ? undefined : boundaryOf(intake.header('content-type'))
  const body = boundary ? await readForm(intake, boundary) : await readJson(intake)
  const { fields, adjustments, schema } = translated(body, operation, boundary !== undefined)
  if (typeof fields['model'] === 'string') {
    const meant = intake.model(fields['model'])
    fields['model'] = meant.model
    adjustments.push(...meant.adjustments)
  }
  const valid: Fields = checked(schema, fields)
  const stream = valid.stream ?? false
  if (valid.partial_images && !stream)
    adjustments.push({ note: `partial_images=${valid.partial_images}>0`, refusal: NO_PARTIALS })
  if (stream && valid.response_format === 'url')
    adjustments.push({ note: 'response_format=url>b64_json', refusal: NO_URLS })
  const as = valid.response_format ?? 'both'
  return { request: await requestOf(valid, body.pictures, intake), adjustments, wants: { as, stream } }
}

const NO_URLS = notTogether('response_format', "A stream has no URLs. Leave 'response_format' out, or 'stream'.")
const NO_PARTIALS = notTogether(
  'partial_images',
  'Partial images come in a stream. Set stream to true, or leave them out.',
)

interface Translated {
  fields: Body['fields']
  adjustments: Adjustment[]
  schema: typeof generation | typeof edit
}

/** Puts older words into today's, and tells which form of request came of it. */
function translated({ fields: given }: Body, operation: Operation, form: boolean): Translated {
  const { fields, adjustments } = modernize(given)
  const asEdit = (edited: { fields: Body['fields']; adjustments: Adjustment[] }): Translated => ({
    fields: edited.fields,
    adjustments: [...adjustments, ...edited.adjustments],
    schema: edit,
  })
  if (operation === 'variations') return asEdit(editForVariation(fields))
  if ('image' in fields && 'images' in fields)
    throw new GatewayError(notTogether('image', "Send either 'image' or 'images'."))
  if (!('image' in fields) || form) return { fields, adjustments, schema: operation === 'edits' ? edit : generation }
  if (operation === 'generations') return asEdit(imagesOfGeneration(fields))
  throw new GatewayError(unknownParameter('image', "For application/json requests, use 'images' (array)."))
}

async function requestOf(fields: Fields, pictures: Picture[], intake: Intake): Promise<ImageRequest> {
  const { model, prompt, images, mask, markup, style } = fields
  const { complexity, frame_count, frame_duration_ms, svg, input_fidelity } = fields
  const take = async (reference: { image_url: string }, param: string): Promise<InputImage> => {
    const found = pictures[Number(reference.image_url)]
    if (!found) throw new Error(`the body has no picture ${reference.image_url}`)
    return 'url' in found
      ? await intake.pictureAt(found.url, { number: Number(reference.image_url) + 1, param })
      : found
  }
  const endUser = fields.safety_identifier || fields.user
  return {
    operation: images ? 'edit' : 'generate',
    model,
    prompt,
    n: fields.n ?? DEFAULTS.n,
    size: fields.size ?? DEFAULTS.size,
    quality: fields.quality ?? DEFAULTS.quality,
    background: fields.background ?? DEFAULTS.background,
    format: fields.output_format ?? DEFAULTS.format,
    compression: fields.output_compression ?? DEFAULTS.compression,
    moderation: fields.moderation ?? DEFAULTS.moderation,
    ...(style ? { style } : {}),
    ...(input_fidelity ? { inputFidelity: input_fidelity } : {}),
    extras: given({
      complexity,
      frame_count: frame_count === DEFAULT_FRAMES ? null : frame_count,
      frame_duration_ms: frame_duration_ms === DEFAULT_FRAME_MS ? null : frame_duration_ms,
      svg,
    }),
    images: await inTurn(images ?? [], (each, at) => take(each, `images[${at}].image_url`)),
    ...(mask ? { mask: await take(mask, 'mask.image_url') } : {}),
    ...(markup ? { markup: await take(markup, 'markup.image_url') } : {}),
    partials: fields.stream ? (fields.partial_images ?? 0) : 0,
    ...(endUser ? { endUser } : {}),
  }
}

/** How long a frame of a GIF is shown when nothing is said (protocols §1.1). */
const DEFAULT_FRAME_MS = 200

/** One after the other, since each picture that is read takes its share of the isolate's memory. */
async function inTurn<Item, Value>(items: Item[], read: (item: Item, at: number) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = []
  for (const [at, item] of items.entries()) values.push(await read(item, at))
  return values
}

/** Null means the same as leaving a parameter out (protocols §1.1). */
const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
