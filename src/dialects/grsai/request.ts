import { modelName, promptText, shortValue } from '../request-limits'
import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { invalidParameter, tooManyImages, unknownParameter } from '../../failures/parameters'
import { shapeText } from '../../catalog/shapes'
import { pixelsOf } from '../../catalog/sizes'
import { checked } from '../../failures/checked'
import { fieldNamed } from '../../failures/vocabulary'
import { GatewayError } from '../../failures/errors'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import type { ParsedRequest, JobRequest } from '../dialect'
import type { Intake } from '../intake'
import type { BodyPicture, PictureSource } from '../picture-source'
import { readJsonBody, sourceAt } from '../json-body'

/** Options of an answer: in one piece, in frames or as a job, and with or without progress. */
export const grsaiAnswerOptions = z.object({ reply: z.enum(['whole', 'stream', 'later']), progress: z.boolean() })
export type GrsaiAnswerOptions = z.infer<typeof grsaiAnswerOptions>

/** The most pictures of any model. */
const MAX_PICTURES = 16

const grsaiSize = z
  .string()
  .regex(
    /^(?:auto|[1-9]\d{0,2}:[1-9]\d{0,2}|[1-9]\d{0,5}x[1-9]\d{0,5})$/,
    'Send auto, a ratio as 16:9, or pixels as 1024x1024.',
  )
const commonFields = {
  model: modelName,
  prompt: promptText,
  size: grsaiSize.optional(),
  aspectRatio: grsaiSize.optional(),
  imageSize: z.enum(['1K', '2K', '4K']).optional(),
  variants: z.int().min(1).max(2).optional(),
  quality: shortValue.optional(),
  background: shortValue.optional(),
  mask: z.string().optional(),
  /** The host of the pictures; this gateway always serves them itself. */
  cdn: shortValue.optional(),
}
const pictureList = z.array(z.string()).max(MAX_PICTURES).optional()

const drawBody = z.object({
  ...commonFields,
  urls: pictureList,
  webHook: z.string().optional(),
  shutProgress: z.boolean().optional(),
})
const apiBody = z.object({
  ...commonFields,
  images: pictureList,
  replyType: z.enum(['json', 'stream', 'async']).optional(),
})

type CommonFields = z.infer<z.ZodObject<typeof commonFields>>

/** Reads a request of the old generation; the webhook decides the kind of answer. Throws GatewayError. */
export async function parseDraw(intake: Intake): Promise<ParsedRequest<GrsaiAnswerOptions>> {
  const body = await readGrsaiBody(intake, drawBody, 'urls')
  const { webHook, shutProgress = false } = body.fields
  const progress = !shutProgress
  const parsed = grsaiRequest(body, intake, 'urls', body.fields.urls)
  if (webHook === undefined) return { ...parsed, options: { reply: 'stream', progress } }
  const job: JobRequest = webHook === NO_WEBHOOK ? {} : { webhook: { url: webHook, param: 'webHook' } }
  return { ...parsed, options: { reply: 'later', progress }, job }
}

/** In place of a URL, this asks for the id alone. */
const NO_WEBHOOK = '-1'

/** Reads a request of the new generation. Throws GatewayError. */
export async function parseApi(intake: Intake): Promise<ParsedRequest<GrsaiAnswerOptions>> {
  const body = await readGrsaiBody(intake, apiBody, 'images')
  const { replyType = 'json' } = body.fields
  const parsed = grsaiRequest(body, intake, 'images', body.fields.images)
  return {
    ...parsed,
    options: { reply: REPLIES[replyType], progress: true },
    ...(replyType === 'async' ? { job: {} } : {}),
  }
}

const REPLIES = { json: 'whole', stream: 'stream', async: 'later' } as const

interface GrsaiBody<Checked> {
  fields: Checked
  pictures: BodyPicture[]
  adjustments: Adjustment[]
}

/** Reads a body, its mask and the pictures of `list` as they pass; base64 may come bare. */
async function readGrsaiBody<Shape extends z.ZodRawShape>(
  intake: Intake,
  schema: z.ZodObject<Shape>,
  list: string,
): Promise<GrsaiBody<z.infer<z.ZodObject<Shape>>>> {
  const isListed = ([name, at, ...rest]: Path): boolean => name === list && typeof at === 'number' && rest.length === 0
  const { fields, pictures } = await readJsonBody(intake, {
    isPicture: (path) => isListed(path) || (path.length === 1 && path[0] === 'mask'),
    isBare: isListed,
    most: MAX_PICTURES + 1,
    tooMany: (param) => tooManyImages(param, MAX_PICTURES),
    check: (known) => void intake.replaceModel({ ...known }),
  })
  // A blank prompt is missing here, too.
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== '')
  const unknown = given.map(([name]) => name).filter((name) => !Object.hasOwn(schema.shape, name))
  const isPrompted = given.some(([name]) => name === 'prompt')
  const misplaced = isPrompted ? undefined : unknown.find((name) => fieldNamed(name) === 'prompt')
  if (misplaced !== undefined) throw new GatewayError(unknownParameter(misplaced))
  const adjustments = unknown.map((name) => ({ note: name, refusal: unknownParameter(name) }))
  const [first] = adjustments.slice(MAX_UNKNOWN)
  if (first) throw new GatewayError(first.refusal)
  return { fields: checked(schema, Object.fromEntries(given)), pictures, adjustments }
}

/** The API ignores unknown fields, and a header repeats them; no client has more than so many. */
const MAX_UNKNOWN = 8

function grsaiRequest(
  { fields, pictures, adjustments }: GrsaiBody<CommonFields>,
  intake: Intake,
  list: string,
  listed: readonly string[] = [],
): Pick<ParsedRequest<GrsaiAnswerOptions>, 'request' | 'adjustments'> {
  const { mask, prompt, variants, quality, background } = fields
  if (mask !== undefined && listed.length === 0) throw new GatewayError(maskWithoutPicture(list))
  const served = intake.model(fields.model)
  const sized = requestedSize(fields)
  const request: ImageRequestOf<PictureSource> = {
    operation: listed.length > 0 ? 'edit' : 'generate',
    model: served.model,
    prompt,
    n: variants ?? DEFAULTS.n,
    size: sized.size,
    quality: quality ?? DEFAULTS.quality,
    background: background ?? DEFAULTS.background,
    format: DEFAULTS.format,
    compression: DEFAULTS.compression,
    moderation: DEFAULTS.moderation,
    extras: {},
    images: listed.map((each, at) => sourceAt(pictures, each, `${list}[${at}]`)),
    ...(mask === undefined ? {} : { mask: sourceAt(pictures, mask, 'mask') }),
    partials: 0,
  }
  return { request, adjustments: [...adjustments, ...served.adjustments, ...sized.adjustments] }
}

const maskWithoutPicture = (list: string): ReturnType<typeof invalidParameter> =>
  invalidParameter('mask', `A mask needs the picture that it is for. Send that in '${list}', or leave 'mask' out.`)

/** The newer of its two names wins; a size in pixels has no resolution besides. */
function requestedSize({ size, aspectRatio, imageSize }: CommonFields): { size: string; adjustments: Adjustment[] } {
  const requested = aspectRatio ?? size ?? DEFAULTS.size
  const isInPixels = pixelsOf(requested) !== undefined
  return {
    size: isInPixels ? requested : shapeText({ ratio: requested, resolution: imageSize }),
    adjustments: [
      ...(size !== undefined && size !== requested ? [{ note: 'size', refusal: TWO_SIZES }] : []),
      ...(isInPixels && imageSize ? [{ note: 'imageSize', refusal: TWO_RESOLUTIONS }] : []),
    ],
  }
}

const TWO_SIZES = invalidParameter('size', "Send either 'size' or 'aspectRatio', not both.")
const TWO_RESOLUTIONS = invalidParameter(
  'imageSize',
  "A size in pixels says it all. Leave 'imageSize' out, or send a ratio.",
)
