import { z } from 'zod'
import type { Adjustment } from '../catalog/fit'
import { notTogether, unknownParameter } from '../catalog/refusals'
import { GatewayError } from '../errors'
import { DEFAULTS, type ImageRequest, type InputImage } from '../image/request'
import type { ImageRecord, StoredImage, Usage } from '../image/record'
import { boundaryOf } from '../streams/multipart'
import type { Asked, Dialect, Rendered } from './dialect'
import type { Intake } from './intake'
import { checked, openaiError } from './openai-error'
import { type Body, type Picture, readForm, readJson } from './openai-images-body'
import { editForVariation, imagesOfGeneration, modernize } from './openai-images-legacy'

/** How the caller wants its pictures. */
interface Wants {
  as: 'url' | 'b64_json' | 'both'
  stream: boolean
}

type Operation = 'generations' | 'edits' | 'variations'

/** OpenAI's Images API (protocols §1), with the words that relays' clients use besides (protocols §7.6). */
const dialect = (operation: Operation): Dialect<Wants> => ({
  id: `openai-images-${operation}`,
  apiKey: (c) => /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1],
  parse: (intake) => parse(intake, operation),
  render: (record, wants, link) => (wants.stream ? events(record) : whole(record, wants, link)),
  renderError: openaiError,
})

export const imageGenerations = dialect('generations')
export const imageEdits = dialect('edits')
export const imageVariations = dialect('variations')

const picture = z.strictObject({ image_url: z.string() })

const generation = z.strictObject({
  model: z.string(),
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  size: z.string().nullish(),
  quality: z.string().nullish(),
  background: z.string().nullish(),
  moderation: z.string().nullish(),
  output_format: z.string().nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(3).nullish(),
  complexity: z.enum(['low', 'medium', 'high']).nullish(),
  frame_count: z.int().min(2).max(16).nullish(),
  frame_duration_ms: z.int().min(0).nullish(),
  svg: z.record(z.string(), z.unknown()).nullish(),
  safety_identifier: z.string().nullish(),
  user: z.string().nullish(),
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

async function parse(intake: Intake, operation: Operation): Promise<Asked<Wants>> {
  const boundary = operation === 'generations' ? undefined : boundaryOf(intake.header('content-type'))
  const body = boundary ? await readForm(intake, boundary) : await readJson(intake)
  const { fields, adjustments } = translated(body, operation, boundary !== undefined)
  if (typeof fields['model'] === 'string') intake.requireModel(fields['model'])
  const valid: Fields =
    'images' in fields || operation !== 'generations' ? checked(edit, fields) : checked(generation, fields)
  const stream = valid.stream ?? false
  if (valid.partial_images) adjustments.push({ note: `partial_images=${valid.partial_images}>0`, refusal: NO_PARTIALS })
  const wants: Wants = { as: valid.response_format ?? 'both', stream }
  return { request: await requestOf(valid, body.pictures, intake), adjustments, wants }
}

const NO_PARTIALS = notTogether('partial_images', 'This gateway sends no partial images. Set partial_images to 0.')

function translated(
  { fields: given }: Body,
  operation: Operation,
  form: boolean,
): { fields: Body['fields']; adjustments: Adjustment[] } {
  const { fields, adjustments } = modernize(given)
  const more = (next: { fields: Body['fields']; adjustments: Adjustment[] }) => ({
    fields: next.fields,
    adjustments: [...adjustments, ...next.adjustments],
  })
  if (operation === 'variations') return more(editForVariation(fields))
  if (!('image' in fields) || form) return { fields, adjustments }
  if (operation === 'generations') return more(imagesOfGeneration(fields))
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
    extras: given({ complexity, frame_count, frame_duration_ms, svg }),
    images: await Promise.all((images ?? []).map((each, at) => take(each, `images[${at}].image_url`))),
    ...(mask ? { mask: await take(mask, 'mask.image_url') } : {}),
    ...(markup ? { markup: await take(markup, 'markup.image_url') } : {}),
    ...(endUser ? { endUser } : {}),
  }
}

/** Null means the same as leaving a parameter out (protocols §1.1). */
const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

/** What an answer says besides its pictures. */
const facts = ({ background, format, quality, size }: ImageRecord): Record<string, unknown> => ({
  background,
  output_format: format,
  quality,
  size,
})

function whole(record: ImageRecord, { as }: Wants, link: (key: string) => string): Rendered {
  const head = { created: seconds(record), ...facts(record) }
  const parts: Rendered['parts'] = [`${JSON.stringify(head).slice(0, -1)},"data":[`]
  record.images.forEach((image, index) => {
    const rest = {
      ...(as === 'b64_json' ? {} : { url: link(image.key) }),
      ...(image.revisedPrompt ? { revised_prompt: image.revisedPrompt } : {}),
    }
    const restText = JSON.stringify(rest).slice(1)
    parts.push(index > 0 ? ',{' : '{')
    if (as !== 'url') parts.push('"b64_json":"', image, restText === '}' ? '"' : '",')
    parts.push(restText)
  })
  parts.push(']', record.usage ? `,"usage":${JSON.stringify(usageOf(record.usage))}` : '', '}')
  return { contentType: 'application/json', parts }
}

/** One `completed` event for each picture; the last one tells the usage of all, so that a client's sum is right. */
function events(record: ImageRecord): Rendered {
  const type = record.operation === 'edit' ? 'image_edit.completed' : 'image_generation.completed'
  const none: Usage = { input: 0, inputDetails: { text: 0, image: 0 }, output: 0, total: 0 }
  const frame = (image: StoredImage, index: number): Rendered['parts'] => {
    const usage = index === record.images.length - 1 ? record.usage : none
    const rest = { type, created_at: seconds(record), ...facts(record), usage: usage && usageOf(usage) }
    return [`event: ${type}\ndata: {"b64_json":"`, image, `",${JSON.stringify(rest).slice(1)}\n\n`]
  }
  return { contentType: 'text/event-stream', parts: record.images.flatMap(frame) }
}

const seconds = ({ createdMs }: ImageRecord): number => Math.floor(createdMs / 1000)

function usageOf({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> {
  const details = (counts: Usage['inputDetails']): Record<string, number> | undefined =>
    counts && { text_tokens: counts.text, image_tokens: counts.image }
  return {
    input_tokens: input,
    input_tokens_details: details(inputDetails),
    output_tokens: output,
    output_tokens_details: details(outputDetails),
    total_tokens: total,
  }
}
