import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { eitherWay, type Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { formBody, textsOf } from '../streams/form'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { DEFAULT_STRENGTH, inputFile, withWhiteMask } from './wire/inputs'
import { answeredImages } from './wire/answered-images'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { errorOfResponse, mentionsModeration } from './wire/upstream-error'

/** The longer and the shorter edge of each size of V4, for both orientations (protocols §6.11). */
const V4_EDGES = [
  [1024, 1024],
  [1344, 768],
  [1280, 832],
  [1216, 896],
  [1152, 896],
  [1536, 768],
] as const

const v4Sizes = (scale: number): Sizes => eitherWay(V4_EDGES.map(([long, short]) => [long * scale, short * scale]))

const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  formats: ['png', 'webp', 'svg'],
  extras: ['negative_prompt', 'strength'],
  maxInputs: 1,
  maxImages: 6,
  mask: true,
  style: true,
} as const satisfies Model

const withPrice = (model: Model, each: number): Model => ({ ...model, prices: { per: 'image', each } })

const RASTER_MODEL: Model = { ...API_CAPABILITY, formats: ['png', 'webp'], mask: false }

/** The capability of a V4 model by its name. `_pro` doubles the edges; `_styles` takes a style. */
const v4Model = (name: string): Model => ({
  ...RASTER_MODEL,
  sizes: v4Sizes(name.includes('_pro') ? 2 : 1),
  formats: name.endsWith('_vector') ? ['svg'] : ['png', 'webp'],
  extras: ['strength'],
  style: name.includes('_styles'),
})
const isV4 = (name: string): boolean => name.startsWith('recraftv4')

/** The prices of some V4 models, in USD (protocols §6.11). */
const V4_PRICES: Readonly<Record<string, number>> = {
  recraftv4_1: 0.035,
  recraftv4_1_flash: 0.007,
  recraftv4_1_flash_v2: 0.007,
  recraftv4_1_pro: 0.21,
  recraftv4_1_vector: 0.08,
  recraftv4_1_pro_vector: 0.3,
}

const V4_MODELS = Object.fromEntries(
  Object.entries(V4_PRICES).map(([name, price]) => [name, withPrice(v4Model(name), price)]),
)

/** Other names of the models without vectors (protocols §6.11). */
const RASTER_ALIASES = Object.fromEntries(
  Object.entries(V4_MODELS).flatMap(([name, model]) => (name.endsWith('_vector') ? [] : [[`${name}_raster`, model]])),
)

const MODELS: Readonly<Record<string, Model>> = {
  ...V4_MODELS,
  recraftv4: v4Model('recraftv4'),
  ...RASTER_ALIASES,
  // Only V3 takes a mask, by the maker's documentation.
  recraftv3: withPrice({ ...RASTER_MODEL, mask: true }, 0.04),
  recraftv2: withPrice(RASTER_MODEL, 0.022),
}

/** Recraft (protocols §6.11): similar to OpenAI's Images API, with its own paths for edits. */
export const recraftProvider: Provider = {
  id: 'recraft',
  account: bearer,
  wellKnown: {
    secret: 'RECRAFT_API_KEY',
    baseUrl: 'https://external.api.recraft.ai/v1',
    // V4 has more models. Their full names are not documented.
    models: [...Object.keys(MODELS), 'recraftv4*'],
  },
  models: MODELS,
  capability: (model, theirs) => narrowed(model, isV4(theirs) ? v4Model(theirs) : API_CAPABILITY),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: response.headers.get('x-request-id') ?? undefined }
    const failureOf = (said: unknown): ProviderError => errorOfResponse(response, upstream, said, readError)
    const summaryIn = (said: unknown): Summary => ({ cost: recraftCost(said) })
    yield* answeredImages(response, request.n, work, { failureOf, summaryIn })
  },
}

async function requestImages(asked: ImageRequest, upstream: Upstream, given: Work): Promise<Response> {
  // White is the part to edit, and grey is not allowed (the maker's documentation of `inpaint`).
  const { request, work } = await withWhiteMask(asked, given)
  const fields = requestFields(request, work.model)
  if (request.images.length > 0) return requestEdit(request, fields, upstream, work)
  return callUpstream(
    upstream,
    work,
    '/images/generations',
    { account: bearer(upstream), ...jsonRequest(fields) },
    readError,
  )
}

function requestEdit(
  { images, mask }: ImageRequest,
  { strength, ...fields }: Record<string, unknown>,
  upstream: Upstream,
  work: Work,
): Promise<Response> {
  const files = images.map((image) => inputFile('image', image, work))
  const [path, form] = mask
    ? ['inpaint', formBody(textsOf({ ...fields, strength }), [...files, inputFile('mask', mask, work)])]
    : ['imageToImage', formBody(textsOf({ ...fields, strength: strength ?? DEFAULT_STRENGTH }), files)]
  const headers = { 'content-type': form.contentType }
  return callUpstream(
    upstream,
    work,
    `/images/${path}`,
    { account: bearer(upstream), headers, parted: form },
    readError,
  )
}

function requestFields(request: ImageRequest, model: string): Record<string, unknown> {
  const { prompt, n, size, style, format, extras } = request
  return {
    prompt,
    model,
    n: n === DEFAULTS.n ? undefined : n,
    size: size === DEFAULTS.size ? undefined : size,
    // A style of V4 was created before and has an id.
    ...(isV4(model) ? { style_id: style } : { style }),
    negative_prompt: extras['negative_prompt'],
    strength: extras['strength'],
    // A vector model has one format and no parameter for it.
    image_format: format === 'svg' ? undefined : format,
    response_format: 'b64_json',
  }
}

const creditsReply = z.object({ credits: z.number().nonnegative() })
/** 1000 units cost 1 USD. */
const MICRO_USD_PER_UNIT = 1000

function recraftCost(said: unknown): number | undefined {
  const { credits } = creditsReply.safeParse(said).data ?? {}
  return credits === undefined ? undefined : Math.round(credits * MICRO_USD_PER_UNIT)
}

/** The schema is loosely documented (protocols §6.11). */
const errorReply = z.object({
  message: z.string().optional().catch(undefined),
  code: z.union([z.string(), z.number()]).transform(String).optional().catch(undefined),
})

/** Statuses with which refused content may come. Neither a status nor a code is documented. */
const REFUSING_STATUSES = [200, 400, 403, 422]

const readError: ErrorReader = (body, status) => {
  const { message, code } = errorReply.safeParse(body).data ?? {}
  const isModerated = REFUSING_STATUSES.includes(status) && mentionsModeration(`${code ?? ''} ${message ?? ''}`)
  return { message, code, ...(isModerated ? { moderated: true } : {}) }
}
