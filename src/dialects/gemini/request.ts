import { MAX_PROMPT } from '../request-limits'
import * as z from 'zod'
import { invalidValue, invalidParameter } from '../../failures/parameters'
import { shapeText } from '../../catalog/shapes'
import { type Failure, GatewayError, throwIfRefused } from '../../failures/errors'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import { promptWithPictures, endsWithRequest, type ConversationTurn } from '../conversation'
import type { ParsedRequest } from '../dialect'
import { type ContentPart, readFields, type GeminiFields } from './fields'
import type { Intake } from '../intake'
import { modelAndMethod } from '../google/paths'
import type { BodyPicture, PictureSource } from '../picture-source'
import { type PicturePlaces, readJsonBody, sourceAt } from '../json-body'

/** Options of an answer: one object, events or a list of messages, and pictures as data or links. */
export const geminiAnswerOptions = z.object({
  as: z.enum(['object', 'events', 'list']),
  delivery: z.enum(['INLINE', 'URI']),
  /** The object that holds aspect ratio and resolution; rows of earlier versions lack it. */
  sizeParam: z.string().optional(),
})
export type GeminiAnswerOptions = z.infer<typeof geminiAnswerOptions>

/** Reads a request. Throws GatewayError. */
export async function parseGemini(intake: Intake): Promise<ParsedRequest<GeminiAnswerOptions>> {
  const [name, method] = modelAndMethod(intake.param('call') ?? '')
  const { model, adjustments } = intake.model(name)
  const as = framingOf(method, intake.query('alt'))
  const body = await readJsonBody(intake, PICTURE_PLACES)
  const read = readFields(body.fields)
  throwIfRefused(contradiction(read.fields, name))
  const request = geminiRequest(model, read.fields, body.pictures)
  const format = imageFormatOf(read.fields)
  const sizeParam = format && 'generationConfig.responseFormat.image'
  return {
    request,
    adjustments: [...adjustments, ...read.adjustments],
    options: { as, delivery: format?.delivery ?? 'INLINE', sizeParam },
  }
}

function framingOf(method: string, alt: string | undefined): GeminiAnswerOptions['as'] {
  if (alt === 'sse') return 'events'
  if (alt !== undefined && alt !== 'json') throw new GatewayError(invalidValue('alt', alt, ['json', 'sse']))
  return method === 'streamGenerateContent' ? 'list' : 'object'
}

/** The places of pictures, by the names of protobuf too. */
const INLINE_DATA_PLACE = /^contents\.parts\.(?:inlineData|inline_data)\.data$/
const FILE_URI_PLACE = /^contents\.parts\.(?:fileData|file_data)\.(?:fileUri|file_uri)$/

const namesInPath = (path: Path): string => path.filter((step) => typeof step === 'string').join('.')

/** Whether a path leads to a picture or to its URL. */
export const isPicture = (path: Path): boolean =>
  INLINE_DATA_PLACE.test(namesInPath(path)) || FILE_URI_PLACE.test(namesInPath(path))

const PICTURE_PLACES: PicturePlaces = {
  isPicture,
  isBare: (path) => INLINE_DATA_PLACE.test(namesInPath(path)),
  // Of all turns together; the model limits the pictures of one edit.
  most: 64,
  tooMany: (param) => ({
    code: 'invalid_request',
    message: 'A conversation may have 64 images at most. Leave out its oldest turns.',
    param,
    reason: 'array_above_max_length',
  }),
}

const imageFormatOf = ({ generationConfig }: GeminiFields): ImageFormat | undefined =>
  generationConfig?.responseFormat?.[0]?.image
type ImageFormat = NonNullable<NonNullable<GeminiFields['generationConfig']>['responseFormat']>[number]['image']

/** The refusal of fields that contradict each other. */
function contradiction({ generationConfig, model }: GeminiFields, name: string): Failure | undefined {
  const { responseModalities: modalities, imageConfig, responseFormat } = generationConfig ?? {}
  if (model && model !== name && model !== `models/${name}`)
    return invalidParameter('model', `The URL names the model '${name}'. Name the same in the body, or leave it out.`)
  if (modalities && modalities.length > 0 && !modalities.includes('IMAGE'))
    return invalidParameter(
      'generationConfig.responseModalities',
      "Images are made here. Have 'IMAGE' among the modalities.",
    )
  if (imageConfig && responseFormat?.length)
    return invalidParameter('generationConfig.imageConfig', "Send either 'imageConfig' or 'responseFormat', not both.")
  return undefined
}

/** A picture of a conversation by its ordinal in the body, with its parameter. */
interface ContentPicture {
  ordinal: string
  param: string
}

function geminiRequest(
  model: string,
  fields: GeminiFields,
  pictures: readonly BodyPicture[],
): ImageRequestOf<PictureSource> {
  const { candidateCount, seed, imageConfig } = fields.generationConfig ?? {}
  const format = imageFormatOf(fields)
  const { aspectRatio, imageSize } = format ?? imageConfig ?? {}
  const turns = turnsOfContents(fields)
  const prompted = promptWithPictures(turns)
  if (prompted.prompt === '' || !endsWithRequest(turns)) throw new GatewayError(MISSING_PROMPT)
  if (prompted.prompt.length > MAX_PROMPT) throw new GatewayError(PROMPT_TOO_LONG)
  return {
    ...DEFAULTS,
    operation: prompted.pictures.length > 0 ? 'edit' : 'generate',
    model,
    prompt: prompted.prompt,
    n: candidateCount ?? DEFAULTS.n,
    size: shapeText({ ratio: aspectRatio ?? undefined, resolution: imageSize ?? undefined }),
    format: format?.mimeType?.replace('image/', '') ?? DEFAULTS.format,
    extras: seed === undefined || seed === null ? {} : { seed },
    images: prompted.pictures.map(({ ordinal, param }) => sourceAt(pictures, ordinal, param)),
    partials: 0,
  }
}

/** The turns of a conversation, its instruction before them. */
export const turnsOfContents = ({ systemInstruction, contents }: GeminiFields): ConversationTurn<ContentPicture>[] => [
  ...(systemInstruction ? [turnOfParts('system', systemInstruction.parts ?? [], 'systemInstruction')] : []),
  ...contents.map(({ role, parts }, at) => turnOfParts(role ?? 'user', parts ?? [], `contents[${at}]`)),
]

/** Thoughts of a model, and its drafts, are no part of its answer. */
function turnOfParts(
  role: ConversationTurn<ContentPicture>['role'],
  parts: readonly ContentPart[],
  place: string,
): ConversationTurn<ContentPicture> {
  const spoken = parts
    .map((part, at) => ({ ...part, place: `${place}.parts[${at}]` }))
    .filter(({ thought }) => !thought)
  const other = spoken.find(({ fileData }) => OTHER_MEDIA.test(fileData?.mimeType ?? ''))
  if (other) throw new GatewayError(invalidParameter(`${other.place}.fileData.mimeType`, ONLY_PICTURES))
  return {
    role,
    texts: spoken.flatMap(({ text }) => text ?? []),
    pictures: spoken.flatMap(({ inlineData, fileData, place }) => [
      ...(inlineData ? [{ ordinal: inlineData.data, param: `${place}.inlineData.data` }] : []),
      ...(fileData ? [{ ordinal: fileData.fileUri, param: `${place}.fileData.fileUri` }] : []),
    ]),
  }
}

/** Kinds of files that models of texts read. */
const OTHER_MEDIA = /^(?:video|audio|text|application)\/(?!octet-stream)/
const ONLY_PICTURES = 'Pictures are made of texts and pictures here. Leave other files out, or send them as pictures.'

const MISSING_PROMPT: Failure = {
  code: 'invalid_request',
  message: "The last turn of 'contents' has no text. Say in its parts what to draw.",
  param: 'contents',
  reason: 'missing_required_parameter',
}

const PROMPT_TOO_LONG: Failure = {
  code: 'invalid_request',
  message: `The texts of 'contents' are too long: together they may have ${MAX_PROMPT} characters.`,
  param: 'contents',
  reason: 'string_above_max_length',
}
