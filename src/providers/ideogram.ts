import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { eitherWay } from '../catalog/sizes'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { formBody, textsOf } from '../streams/form'
import { callUpstream, modelInPath, readingImage, readJsonReply } from './wire/http'
import { optionalText } from './wire/lenient'
import { type Provider, type ProviderError, type Summary, type Upstream, type Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { unusableAnswer } from './wire/unusable-answer'
import { moderationError } from './wire/upstream-error'
import { reportOfFault, validationDetail } from './wire/validation-error'

/** Rendering speeds by the gateway's qualities. */
const SPEEDS = new Map([
  ['low', 'TURBO'],
  ['medium', 'DEFAULT'],
  ['high', 'QUALITY'],
])

/** A guess: protocols §6.10 does not list them. */
const V3_RATIOS = [
  '1:1',
  '16:9',
  '9:16',
  '3:2',
  '2:3',
  '4:3',
  '3:4',
  '5:4',
  '4:5',
  '16:10',
  '10:16',
  '2:1',
  '1:2',
  '3:1',
  '1:3',
]
const V3_SIZES = shaped(shapesOf(V3_RATIOS))

/** The styles of V3, from the maker's documentation. */
const V3_STYLES = ['AUTO', 'GENERAL', 'REALISTIC', 'DESIGN', 'FICTION']

const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  qualities: [...SPEEDS.keys(), 'auto'],
  extras: ['seed', 'negative_prompt'],
  // A guess: protocols §6.10 has no bound.
  maxImages: 8,
  style: V3_STYLES,
} as const satisfies Model

const V3_MODEL = 'ideogram-v3'

/**
 * The shorter and the longer edge of each size of V4, for both orientations. Source: the schema's copy at
 * docs.comfy.org.
 */
const V4_EDGES = [
  [2048, 2048],
  [1440, 2880],
  [1664, 2496],
  [1792, 2240],
  [1440, 2560],
  [1600, 2560],
  [1728, 2304],
  [1296, 3168],
  [1152, 2944],
  [1248, 3328],
  [1280, 3072],
] as const

/** The fields of V4 come from the same copy: speeds, but no seed, count or style. Protocols §6.10 has only a few. */
const MODELS: Readonly<Record<string, Model>> = {
  [V3_MODEL]: { ...API_CAPABILITY, sizes: V3_SIZES },
  'ideogram-v4': { ...API_CAPABILITY, sizes: eitherWay(V4_EDGES), extras: [], maxImages: 1, style: false },
}

/** Ideogram (protocols §6.10): a form in, URLs out. */
export const ideogramProvider: Provider = {
  id: 'ideogram',
  wellKnown: { secret: 'IDEOGRAM_API_KEY', baseUrl: 'https://api.ideogram.ai', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model) => narrowed(model, API_CAPABILITY),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    const { request_id: requestId, data } = await readJsonReply(response, imagesReply)
    yield { type: 'accepted', requestId }
    const made = data.map(({ url, is_image_safe: isSafe }) => (url && isSafe !== false ? url : undefined))
    if (!made.some(Boolean)) throw missingPictureError(response, data, upstream)
    for (const [index, url] of made.entries()) {
      if (url) yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    yield { type: 'summary', summary: ideogramSummary(data, request) }
  },
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const form = formBody(requestFields(request, work.model), [])
  return callUpstream(
    upstream,
    work,
    `/v1/${modelInPath(work.model)}/generate`,
    {
      account: { 'api-key': upstream.credential },
      headers: { 'content-type': form.contentType },
      parted: form,
    },
    readError,
  )
}

function requestFields(request: ImageRequest, model: string): Record<string, string> {
  const { prompt, size, quality, style, extras, n } = request
  const isV3 = model === V3_MODEL
  const shape = isV3 ? ratioNamed(size, V3_SIZES) : undefined
  return textsOf({
    [isV3 ? 'prompt' : 'text_prompt']: prompt,
    aspect_ratio: shape?.ratio.replace(':', 'x'),
    resolution: shape || size === 'auto' ? undefined : size,
    rendering_speed: SPEEDS.get(quality),
    style_type: style,
    negative_prompt: extras['negative_prompt'],
    seed: extras['seed'],
    num_images: n === 1 ? undefined : n,
  })
}

const ideogramImage = z.object({
  url: optionalText,
  prompt: optionalText,
  resolution: optionalText,
  is_image_safe: z.boolean().nullish().catch(undefined),
})
type IdeogramImage = z.infer<typeof ideogramImage>

const imagesReply = z.object({
  request_id: z.string().optional().catch(undefined),
  data: z.array(ideogramImage.catch({})),
})

/** A refused picture has no URL, in an answer with status 200. */
const missingPictureError = (response: Response, data: IdeogramImage[], upstream: Upstream): ProviderError =>
  data.some(({ is_image_safe: isSafe }) => isSafe === false)
    ? moderationError('picture', upstream)
    : unusableAnswer(response, 'answered without a picture', { said: data, isEmpty: true })

/** A prompt that differs from the request's is a revised prompt. */
const ideogramSummary = (data: IdeogramImage[], { prompt: asked }: ImageRequest): Summary => ({
  size: data.find(({ resolution }) => /^\d+x\d+$/.test(resolution ?? ''))?.resolution ?? undefined,
  revisedPrompts: data.map(({ prompt }) => (prompt && prompt !== asked ? prompt : undefined)),
})

const errorReply = z.object({
  error: z.string().optional().catch(undefined),
  detail: validationDetail.optional().catch(undefined),
})

/** The status of a refused prompt. A faulty field has the same status, with a place in its detail. */
const UNPROCESSABLE_STATUS = 422

const readError: ErrorReader = (body, status) => {
  const { error, detail } = errorReply.safeParse(body).data ?? {}
  if (typeof detail !== 'object') {
    return { message: error ?? detail, ...(status === UNPROCESSABLE_STATUS ? { moderated: true } : {}) }
  }
  return reportOfFault(detail[0])
}
