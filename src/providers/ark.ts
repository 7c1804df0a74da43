import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText, tokenCount } from './wire/lenient'
import { answeredImages } from './wire/answered-images'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import type { ErrorReader, ErrorReport } from './wire/error-report'
import { errorOfResponse, readOpenaiError } from './wire/upstream-error'

/** The API's parameters, and the one format that every model makes (protocols §6.9). */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  formats: ['jpeg'],
  extras: ['seed', 'guidance', 'watermark'],
  maxInputs: 14,
  // The API has no `n`. A request for several images may return fewer.
  maxImages: 1,
} as const satisfies Model

const FORMATS_OF_5 = ['png', 'jpeg'] as const
const RATIOS = ['1:1', '21:9', '16:9', '3:2', '4:3', '3:4', '2:3', '9:16']
/** The 2K sizes of the models without 1K. */
const SHAPES_OF_2K = shapesOf(RATIOS, { area: 2048 * 2048 })
const SHAPES_OF_1K = shapesOf(RATIOS)

const SEEDREAM_4: Model = { ...API_CAPABILITY, sizes: { kind: 'range', min: 960, max: 4096, auto: '2048x2048' } }
const SEEDREAM_4_5: Model = { ...API_CAPABILITY, sizes: shaped(SHAPES_OF_2K, [1, 2]) }
const SEEDREAM_5: Model = { ...API_CAPABILITY, sizes: shaped(SHAPES_OF_2K), formats: FORMATS_OF_5 }

/** The prices of 5.0 pro in USD: up to 2.36 megapixels, which are the sizes of 1K, and above. */
const PRO_PRICES = [
  [1, 0.045],
  [2, 0.09],
] as const
const SEEDREAM_5_PRO: Model = {
  ...API_CAPABILITY,
  sizes: shaped(SHAPES_OF_1K, [1, 2]),
  formats: FORMATS_OF_5,
  maxInputs: 10,
  prices: {
    per: 'image',
    each: Object.fromEntries(
      PRO_PRICES.flatMap(([scale, price]) =>
        SHAPES_OF_1K.map(({ width, height }) => [`${width * scale}x${height * scale}`, price]),
      ),
    ),
  },
}

/** Ark's models (protocols §6.9), with sizes from the maker's documentation. */
const CHINESE_MODELS: Readonly<Record<string, Model>> = {
  'doubao-seedream-4-0-250828': SEEDREAM_4,
  'doubao-seedream-5-0-260128': SEEDREAM_5,
}

/** The models of BytePlus (protocols §6.9), with prices in USD as far as they are known. */
const INTERNATIONAL_MODELS: Readonly<Record<string, Model>> = {
  'dola-seedream-5-0-pro-260628': SEEDREAM_5_PRO,
  'seedream-5-0-260128': SEEDREAM_5,
  'seedream-5-0-lite-260128': {
    ...SEEDREAM_5,
    sizes: shaped(SHAPES_OF_2K, [1, 2]),
    prices: { per: 'image', each: 0.035 },
  },
  'seedream-4-5-251128': SEEDREAM_4_5,
  'seedream-4-0-250828': SEEDREAM_4,
}

const MODELS = { ...CHINESE_MODELS, ...INTERNATIONAL_MODELS }

/** Seedream at ByteDance's Volcengine Ark (protocols §6.9). BytePlus serves the same API at another base URL. */
export const arkProvider: Provider = {
  id: 'ark',
  account: bearer,
  wellKnown: {
    secret: 'ARK_API_KEY',
    baseUrl: 'https://ark.cn-beijing.volces.com/api/v3',
    // The release date and the sizes of 4.5 are not documented.
    models: [...Object.keys(CHINESE_MODELS), 'doubao-seedream-4-5-*'],
  },
  models: MODELS,
  capability: (model) =>
    narrowed(model, { ...API_CAPABILITY, formats: model.formats ? FORMATS_OF_5 : API_CAPABILITY.formats }),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: response.headers.get('x-request-id') ?? undefined }
    const failureOf = (said: unknown): ProviderError =>
      errorOfResponse(response, upstream, entryErrorIn(said) ?? said, readError)
    yield* answeredImages(response, request.n, work, { failureOf, summaryIn: arkSummary })
  },
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const asked = { account: bearer(upstream), ...jsonRequest(requestFields(request, work)) }
  return callUpstream(upstream, work, '/images/generations', asked, readError)
}

function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, size, format, extras, images } = request
  return {
    model: work.model,
    prompt,
    image: images.length > 0 ? images.map((image) => inputDataUrl(image, work)) : undefined,
    size: size === 'auto' ? undefined : size,
    sequential_image_generation: 'disabled',
    response_format: 'b64_json',
    // JPEG is the default. Only 5.0 has the parameter.
    output_format: format === 'jpeg' ? undefined : format,
    // The default puts "AI generated" into a corner of the picture.
    watermark: extras['watermark'] ?? false,
    seed: extras['seed'],
    guidance_scale: extras['guidance'],
  }
}

const errorEntry = z.object({ error: z.looseObject({}) })
const entriesReply = z.object({ data: z.array(z.unknown()) })

/** The error of an answer without pictures: its own error, or the first one of an entry. */
function entryErrorIn(said: unknown): unknown {
  const entries = entriesReply.safeParse(said).data?.data ?? []
  return [said, ...entries].find((each) => errorEntry.safeParse(each).success)
}

const imagesReply = z
  .object({
    data: z.array(z.object({ size: optionalText, output_format: optionalText }).catch({})).catch([]),
    usage: z.object({ output_tokens: tokenCount, total_tokens: tokenCount.nullish() }).nullish().catch(undefined),
  })
  .catch({ data: [] })

function arkSummary(said: unknown): Summary {
  const { data, usage } = imagesReply.parse(said)
  const first = (name: 'size' | 'output_format'): string | undefined =>
    data.map((entry) => entry[name]).find((word) => typeof word === 'string')
  return {
    size: first('size'),
    format: first('output_format'),
    usage: usage ? arkUsage(usage.output_tokens, usage.total_tokens ?? usage.output_tokens) : undefined,
  }
}

const arkUsage = (output: number, total: number): Summary['usage'] => ({
  input: Math.max(0, total - output),
  output,
  total: Math.max(total, output),
})

/** The meaning of error codes, which come with any status, also 200 (protocols §6.9). */
const CODE_MEANINGS: readonly [code: RegExp, meaning: ErrorReport][] = [
  [/SensitiveContentDetected/, { moderated: true }],
  [/^(?:AuthenticationError|AccountOverdueError)/, { kind: 'misconfigured' }],
  // The quota belongs to one model and is not refilled.
  [/^(?:ModelNotOpen|InvalidEndpointOrModel|QuotaExceeded)/, { kind: 'misconfigured', scope: 'model' }],
  [/^RateLimitExceeded/, { kind: 'throttled' }],
  // An overload does not speak against the account, which serves other models.
  [/^ServerOverloaded/, { kind: 'unavailable' }],
]

const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  const [, meaning] = CODE_MEANINGS.find(([code]) => code.test(said.code ?? '')) ?? []
  return { ...said, message: said.message?.replace(/ *Request id: ?\S+$/i, ''), ...meaning }
}
