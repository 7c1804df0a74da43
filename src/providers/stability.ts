import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { readStream } from '../streams/bytes'
import { formBody, textsOf } from '../streams/form'
import { bearer, bodyStream, callUpstream, isTextReply, readingImage } from './wire/http'
import { DEFAULT_STRENGTH, inputFile, withWhiteMask } from './wire/inputs'
import { type Provider, ProviderError, type Upstream, type Work } from './provider'
import { readErrorBody } from './wire/error-body'
import type { ErrorReader } from './wire/error-report'
import { idsOf, requestIdOf } from './wire/response-ids'
import { errorOfResponse } from './wire/upstream-error'

const SIZES = shaped(shapesOf(['1:1', '16:9', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21']))

/** The styles of the maker's documentation. */
const STYLES = [
  '3d-model',
  'analog-film',
  'anime',
  'cinematic',
  'comic-book',
  'digital-art',
  'enhance',
  'fantasy-art',
  'isometric',
  'line-art',
  'low-poly',
  'modeling-compound',
  'neon-punk',
  'origami',
  'photographic',
  'pixel-art',
  'tile-texture',
]

const STABLE_IMAGE = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  formats: ['png', 'jpeg', 'webp'],
  extras: ['seed', 'negative_prompt'],
} as const satisfies Model

const SD_3_5: Model = {
  ...STABLE_IMAGE,
  formats: ['png', 'jpeg'],
  extras: ['seed', 'negative_prompt', 'guidance', 'strength'],
  maxInputs: 1,
}

/**
 * The model that redraws the masked part of a picture, by its name at Amazon. Its fields come from the maker's
 * documentation.
 */
const INPAINT_MODEL = 'stable-image-inpaint'
const INPAINTING: Model = {
  ...STABLE_IMAGE,
  sizes: { kind: 'listed', sizes: [] },
  maxInputs: 1,
  mask: true,
  style: STYLES,
}

/** The models, with prices in USD from protocols §6.5. */
const MODELS: Readonly<Record<string, Model>> = {
  'stable-image-core': { ...STABLE_IMAGE, style: STYLES, prices: { per: 'image', each: 0.03 } },
  'stable-image-ultra': {
    ...STABLE_IMAGE,
    extras: ['seed', 'negative_prompt', 'strength'],
    maxInputs: 1,
    prices: { per: 'image', each: 0.08 },
  },
  'sd3.5-large': SD_3_5,
  'sd3.5-large-turbo': { ...SD_3_5, extras: ['seed', 'guidance', 'strength'] },
  'sd3.5-medium': SD_3_5,
  [INPAINT_MODEL]: INPAINTING,
}

const API_CAPABILITY: Model = {
  ...STABLE_IMAGE,
  extras: ['seed', 'negative_prompt', 'guidance', 'strength'],
  maxInputs: 1,
  style: STYLES,
}

/** Stability's Stable Image API (protocols §6.5): a form in, picture bytes out. */
export const stabilityProvider: Provider = {
  id: 'stability',
  account: bearer,
  wellKnown: { secret: 'STABILITY_API_KEY', baseUrl: 'https://api.stability.ai', models: Object.keys(MODELS) },
  models: MODELS,
  // The API names these ratios only, also for a model with more sizes elsewhere.
  capability: (model, theirs) =>
    theirs === INPAINT_MODEL ? narrowed(model, INPAINTING) : { ...narrowed(model, API_CAPABILITY), sizes: SIZES },
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    await requirePicture(response, upstream)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    yield { type: 'image', index: 0, bytes: readingImage(readStream(bodyStream(response))) }
    yield { type: 'summary', summary: {} }
  },
}

async function requestImages(asked: ImageRequest, upstream: Upstream, given: Work): Promise<Response> {
  // White is the part to edit (the maker's documentation of `inpaint`).
  const { request, work } = await withWhiteMask(asked, given)
  const { images, mask } = request
  const files = images.map((image) => inputFile('image', image, work))
  const form = formBody(requestFields(request, work.model), mask ? [...files, inputFile('mask', mask, work)] : files)
  const headers = { accept: 'image/*', 'content-type': form.contentType }
  const path = `/v2beta/stable-image/${modelPath(work.model)}`
  return callUpstream(upstream, work, path, { account: bearer(upstream), headers, parted: form }, readError)
}

const SERVICE_MODEL = /^stable-image-([\w-]+)$/

/** Stable Diffusion models share one path and are named in the form. */
function modelPath(model: string): string {
  if (model === INPAINT_MODEL) return 'edit/inpaint'
  const [, service = 'sd3'] = SERVICE_MODEL.exec(model) ?? []
  return `generate/${service}`
}

function requestFields(request: ImageRequest, model: string): Record<string, string> {
  const { prompt, size, format, style, extras, operation } = request
  const isNamed = !SERVICE_MODEL.test(model)
  const isImageToImage = operation === 'edit' && model !== INPAINT_MODEL
  return textsOf({
    prompt,
    model: isNamed ? model : undefined,
    mode: isNamed && isImageToImage ? 'image-to-image' : undefined,
    aspect_ratio: ratioNamed(size, SIZES)?.ratio,
    output_format: format,
    style_preset: style,
    negative_prompt: extras['negative_prompt'],
    seed: extras['seed'],
    cfg_scale: extras['guidance'],
    strength: extras['strength'] ?? (isImageToImage ? DEFAULT_STRENGTH : undefined),
  })
}

/** Throws ProviderError when a good answer is not the picture. */
async function requirePicture(response: Response, upstream: Upstream): Promise<void> {
  const isFiltered = response.headers.get('finish-reason') === 'CONTENT_FILTERED'
  if (!isFiltered && !isTextReply(response)) return
  if (!isFiltered)
    throw errorOfResponse(response, upstream, await readErrorBody(readStream(bodyStream(response))), readError)
  await response.body?.cancel()
  // The picture is charged at its price.
  throw new ProviderError('rejected', 'blurred its picture', {
    ...idsOf(response),
    failure: FILTERED_FAILURE,
    spent: {},
  })
}

/** A filtered picture is blurred, and paid for (protocols §6.5). */
const FILTERED_FAILURE = {
  code: 'content_rejected',
  message:
    'The upstream refused the picture that it had made, and charged for it. Change the prompt before you try again.',
  reason: 'moderation_blocked',
  retry: false,
} as const

const errorReply = z.object({
  name: z.string().optional().catch(undefined),
  errors: z.array(z.string()).catch([]),
})

const readError: ErrorReader = (body) => {
  const { name, errors = [] } = errorReply.safeParse(body).data ?? {}
  const message = errors.length > 0 ? errors.join(' ') : undefined
  return { message, code: name, ...(name === 'content_moderation' ? { moderated: true } : {}) }
}
