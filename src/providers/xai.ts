import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { asJson, bearer, call } from './wire/http'
import { dataUrlOf } from './wire/inputs'
import { pictureAt, picturesOf } from './wire/json-pictures'
import { summaryOf } from './wire/openai-reply'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import { type ErrorReader, errorOf, errorSaid, readOpenaiError, requestIdOf } from './wire/refusal'

/** As docs.comfy.org's copy of its schema lists them; how many pixels they have it does not say: the usual number is assumed. */
const LYING = ['4:3', '3:2', '16:9', '2:1', '19.5:9', '20:9']
const UPRIGHT = LYING.map((ratio) => ratio.split(':').toReversed().join(':'))
const SIZES = shaped(shapesOf(['1:1', ...LYING, ...UPRIGHT]), [1, 2])

/** What the API takes (protocols §6.6). By the same copy it makes up to ten pictures at once, all JPEG. */
const API = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  qualities: ['low', 'medium', 'high', 'auto'],
  formats: ['jpeg'],
  maxInputs: 3,
  maxImages: 10,
} as const satisfies Model

/** Its models, of which the older makes nothing of the quality that is asked for. */
const MODELS: Readonly<Record<string, Model>> = {
  'grok-imagine-image-2.0': API,
  'grok-imagine-image': { ...API, qualities: ['auto'] },
}

/** xAI (protocols §6.6): as OpenAI answers, but with aspect ratios for sizes, and JSON for edits as well. */
export const xai: Provider = {
  id: 'xai',
  wellKnown: { secret: 'XAI_API_KEY', baseUrl: 'https://api.x.ai/v1', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model) => narrowed(model, API),
  async *generate(request, upstream, work) {
    const response = await ask(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    const { said, count } = yield* picturesOf(response, work, pictureAt, isRefused)
    if (count === 0) throw failureOf(response, said, upstream)
    yield { type: 'summary', summary: { ...summaryOf(said), cost: costOf(said) } }
  },
}

function ask(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const path = `/images/${request.operation === 'edit' ? 'edits' : 'generations'}`
  return call(upstream, work, path, { account: bearer(upstream), ...asJson(fieldsOf(request, work)) }, readError)
}

function fieldsOf(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, size, quality, images, endUser } = request
  const shape = ratioNamed(size, SIZES)
  const [image, ...others] = images.map((each) => ({ url: dataUrlOf(each, work), type: 'image_url' }))
  return {
    model: work.model,
    prompt,
    n,
    // Whether a picture may be passed on stands behind it, so that it is better fetched than taken as it comes.
    response_format: 'url',
    ...(shape ? { aspect_ratio: shape.ratio, resolution: `${shape.scale}k` } : {}),
    quality: quality === 'auto' ? undefined : quality,
    user: endUser,
    ...(others.length > 0 ? { images: [image, ...others] } : { image }),
  }
}

const reply = z.object({
  data: z.array(z.object({ respect_moderation: z.boolean().nullish().catch(null) }).catch({})),
})

const isRefused = (said: unknown, index: number): boolean =>
  reply.safeParse(said).data?.data[index]?.respect_moderation === false

/** An answer without pictures: its maker's way to say that none may be had, unless it says something else. */
function failureOf(response: Response, said: unknown, upstream: Upstream): ProviderError {
  const { data } = reply.safeParse(said).data ?? {}
  if (!data?.every((_, index) => isRefused(said, index))) return errorOf(response, upstream, said, readError)
  return errorSaid({ kind: 'rejected', moderated: true, message: 'Its moderation refused every picture.' }, upstream)
}

const charge = z.object({ usage: z.object({ cost_in_usd_ticks: z.number().nonnegative() }) })
/** By docs.comfy.org's copy of its schema, ten thousand millions of them are a dollar. */
const TICKS_PER_MICRO_USD = 10_000

function costOf(said: unknown): Summary['cost'] {
  const ticks = charge.safeParse(said).data?.usage.cost_in_usd_ticks
  return ticks === undefined ? undefined : Math.round(ticks / TICKS_PER_MICRO_USD)
}

const plainError = z.object({ code: z.string().nullish().catch(null), error: z.string() })

/** Its codes are sentences and its statuses few, so that what is meant stands in the message. */
const readError: ErrorReader = (body, status) => {
  const plain = plainError.safeParse(body).data
  const said = plain ? { message: plain.error, code: plain.code ?? undefined } : readOpenaiError(body, status)
  const { message = '' } = said
  if (/content moderation/i.test(message)) return { ...said, moderated: true }
  if (/incorrect api key|available credits|spending limit/i.test(message)) return { ...said, kind: 'misconfigured' }
  return said
}
