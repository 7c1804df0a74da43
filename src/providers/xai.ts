import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { pictureAt, readPictures } from './wire/json-pictures'
import { optionalText } from './wire/lenient'
import { openaiSummary } from './wire/openai-reply'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { requestIdOf } from './wire/response-ids'
import { withSpent } from './wire/unusable-answer'
import { errorOfResponse, moderationError, readOpenaiError } from './wire/upstream-error'

/**
 * The ratios of the schema's copy at docs.comfy.org. The pixels of a ratio are not documented, so the usual area is
 * assumed.
 */
const LANDSCAPE_RATIOS = ['4:3', '3:2', '16:9', '2:1', '19.5:9', '20:9']
const PORTRAIT_RATIOS = LANDSCAPE_RATIOS.map((ratio) => ratio.split(':').toReversed().join(':'))
const SIZES = shaped(shapesOf(['1:1', ...LANDSCAPE_RATIOS, ...PORTRAIT_RATIOS]), [1, 2])

/** The parameters of the API (protocols §6.6). By the same copy, a call makes up to ten pictures, all JPEG. */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  qualities: ['low', 'medium', 'high', 'auto'],
  formats: ['jpeg'],
  maxInputs: 3,
  maxImages: 10,
} as const satisfies Model

/** The models. The older one ignores the quality. */
const MODELS: Readonly<Record<string, Model>> = {
  'grok-imagine-image-2.0': API_CAPABILITY,
  'grok-imagine-image': { ...API_CAPABILITY, qualities: ['auto'] },
}

/** xAI (protocols §6.6): OpenAI's answers, aspect ratios for sizes, and JSON for edits. */
export const xaiProvider: Provider = {
  id: 'xai',
  wellKnown: { secret: 'XAI_API_KEY', baseUrl: 'https://api.x.ai/v1', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model) => narrowed(model, API_CAPABILITY),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    const { said, count } = yield* readPictures(response, work, pictureAt, isModerated)
    const summary = { ...openaiSummary(said), cost: xaiCost(said) }
    if (count === 0) throw withSpent(missingPictureError(response, said, upstream), summary)
    yield { type: 'summary', summary }
  },
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const path = `/images/${request.operation === 'edit' ? 'edits' : 'generations'}`
  return callUpstream(
    upstream,
    work,
    path,
    { account: bearer(upstream), ...jsonRequest(requestFields(request, work)) },
    readError,
  )
}

function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, size, quality, images, endUser } = request
  const shape = ratioNamed(size, SIZES)
  const [image, ...others] = images.map((each) => ({ url: inputDataUrl(each, work), type: 'image_url' }))
  return {
    model: work.model,
    prompt,
    n,
    // The verdict of moderation follows the picture, so a URL avoids pictures that must be dropped.
    response_format: 'url',
    ...(shape ? { aspect_ratio: shape.ratio, resolution: `${shape.scale}k` } : {}),
    quality: quality === 'auto' ? undefined : quality,
    user: endUser,
    ...(others.length > 0 ? { images: [image, ...others] } : { image }),
  }
}

const imagesReply = z.object({
  data: z.array(z.object({ respect_moderation: z.boolean().nullish().catch(null) }).catch({})),
})

const isModerated = (said: unknown, index: number): boolean =>
  imagesReply.safeParse(said).data?.data[index]?.respect_moderation === false

/** An answer without pictures means refused content, unless it carries another error. */
function missingPictureError(response: Response, said: unknown, upstream: Upstream): ProviderError {
  const { data } = imagesReply.safeParse(said).data ?? {}
  if (!data?.every((_, index) => isModerated(said, index))) return errorOfResponse(response, upstream, said, readError)
  return moderationError('picture', upstream)
}

const usageReply = z.object({ usage: z.object({ cost_in_usd_ticks: z.number().nonnegative() }) })
/** Ten thousand million ticks are 1 USD, by the schema's copy at docs.comfy.org. */
const TICKS_PER_MICRO_USD = 10_000

function xaiCost(said: unknown): Summary['cost'] {
  const ticks = usageReply.safeParse(said).data?.usage.cost_in_usd_ticks
  return ticks === undefined ? undefined : Math.round(ticks / TICKS_PER_MICRO_USD)
}

const plainError = z.object({ code: optionalText, error: z.string() })

/** xAI has few statuses and writes sentences as codes, so the message decides. */
const readError: ErrorReader = (body, status) => {
  const plain = plainError.safeParse(body).data
  const said = plain ? { message: plain.error, code: plain.code ?? undefined } : readOpenaiError(body, status)
  const { message = '' } = said
  if (/content moderation/i.test(message)) return { ...said, moderated: true }
  if (/incorrect api key|available credits|spending limit/i.test(message)) return { ...said, kind: 'misconfigured' }
  return said
}
