import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import type { Prices } from '../catalog/prices'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { answeredImages } from './wire/answered-images'
import { optionalText } from './wire/lenient'
import { openaiSummary } from './wire/openai-reply'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { requestIdOf } from './wire/response-ids'
import { errorOfResponse, moderationError, readOpenaiError } from './wire/upstream-error'

/**
 * The ratios of the schema's copy at docs.comfy.org. The pixels of a ratio are not documented, so the usual area is
 * assumed.
 */
const LANDSCAPE_RATIOS = ['4:3', '3:2', '16:9', '2:1', '19.5:9', '20:9']
const PORTRAIT_RATIOS = LANDSCAPE_RATIOS.map((ratio) => ratio.split(':').toReversed().join(':'))
const RATIOS = ['1:1', ...LANDSCAPE_RATIOS, ...PORTRAIT_RATIOS]

/** The parameters of the older model (protocols §6.6). By the same copy, a call makes up to ten pictures, all JPEG. */
const IMAGINE_1 = {
  ...PROMPT_ONLY,
  sizes: shaped(shapesOf(RATIOS), [1, 2]),
  formats: ['jpeg'],
  maxInputs: 3,
  maxImages: 10,
} as const satisfies Model

const SIZES_2 = shaped(shapesOf([...RATIOS, '21:9', '5:2']), [1, 1.5, 2])

/** The model with every parameter of the API. */
const IMAGINE_2 = {
  ...IMAGINE_1,
  sizes: SIZES_2,
  qualities: ['low', 'medium', 'auto'],
  maxInputs: 5,
} as const satisfies Model

/** Prices by quality and scale, in USD (protocols §6.6). That of 1.5k is not known, so it costs as much as 2k. */
const LOW_PRICES = new Map([
  [1, 0.04],
  [1.5, 0.06],
  [2, 0.06],
])
const MEDIUM_PRICES = new Map([
  [1, 0.06],
  [1.5, 0.08],
  [2, 0.08],
])
/** The price of each picture to edit, in USD. */
const INPUT_PRICE = 0.01

/** The entries of a price table for each size. 1k is the scale of `auto`. */
function pricesBySize(prices: ReadonlyMap<number, number>, quality = ''): Record<string, number> {
  const sized = [...prices].flatMap(([scale, price]) =>
    SIZES_2.shapes.map(({ width, height }) => [`${quality}${width * scale}x${height * scale}`, price] as const),
  )
  return { ...Object.fromEntries(sized), [`${quality}auto`]: prices.get(1) ?? 0 }
}

const PRICES_2: Prices = {
  per: 'image',
  each: { ...pricesBySize(LOW_PRICES, 'low '), ...pricesBySize(MEDIUM_PRICES, 'medium ') },
  input: INPUT_PRICE,
}

/** Earlier names, which 2.0 serves at low quality (protocols §6.6). */
const IMAGINE_2_AT_LOW: Model = {
  ...IMAGINE_2,
  qualities: ['auto'],
  prices: { per: 'image', each: pricesBySize(LOW_PRICES), input: INPUT_PRICE },
}

const MODELS: Readonly<Record<string, Model>> = {
  'grok-imagine-image-2.0': { ...IMAGINE_2, prices: PRICES_2 },
  'grok-imagine-image': { ...IMAGINE_1, prices: { per: 'image', each: 0.02 } },
  'grok-imagine-image-quality': IMAGINE_2_AT_LOW,
  'grok-imagine-image-pro': IMAGINE_2_AT_LOW,
}

/** xAI (protocols §6.6): OpenAI's answers, aspect ratios for sizes, and JSON for edits. */
export const xaiProvider: Provider = {
  id: 'xai',
  account: bearer,
  wellKnown: { secret: 'XAI_API_KEY', baseUrl: 'https://api.x.ai/v1', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model, theirs) => narrowed(model, MODELS[theirs] ?? IMAGINE_2),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    yield* answeredImages(response, request.n, work, {
      failureOf: (said) => missingPictureError(response, said, upstream),
      summaryIn: (said, entries) => ({ ...openaiSummary(said, entries), cost: xaiCost(said) }),
      isRefused: (said, [, index]) => isModerated(said, Number(index)),
    })
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
  const shape = ratioNamed(size, SIZES_2)
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
