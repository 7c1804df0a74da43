import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import type { Path } from '../streams/json'
import { jsonRequest, bearer, callUpstream } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText, tokenCount } from './wire/lenient'
import { pictureAt, readPictures } from './wire/json-pictures'
import type { Provider, Summary, Upstream, Work } from './provider'
import { errorOfResponse, type ErrorReader, readOpenaiError, type ErrorReport } from './wire/upstream-error'

/** What the API has parameters for, and of formats what every model makes (protocols §6.9). */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  formats: ['jpeg'],
  extras: ['seed', 'guidance'],
  maxInputs: 14,
  // The API has no n, and may make fewer than it is allowed to where several are asked for.
  maxImages: 1,
} as const satisfies Model

const FORMATS_OF_5 = ['png', 'jpeg'] as const
/** The 2K of the models that make no 1K. */
const SHAPES_OF_5 = shapesOf(['1:1', '21:9', '16:9', '3:2', '4:3', '3:4', '2:3', '9:16'], { area: 2048 * 2048 })

/**
 * Its models (protocols §6.9). Their sizes are those of the maker's own documentation: 4.0 makes whatever has from 1280x720
 * to 4096x4096 pixels, 5.0 nothing smaller than 2560x1440.
 */
const MODELS: Readonly<Record<string, Model>> = {
  'doubao-seedream-4-0-250828': { ...API_CAPABILITY, sizes: { kind: 'range', min: 960, max: 4096, auto: '2048x2048' } },
  'doubao-seedream-5-0-260128': { ...API_CAPABILITY, sizes: shaped(SHAPES_OF_5), formats: FORMATS_OF_5 },
}

/** Seedream at ByteDance's Volcengine Ark, and at BytePlus by its own address (protocols §6.9). */
export const arkProvider: Provider = {
  id: 'ark',
  wellKnown: {
    secret: 'ARK_API_KEY',
    baseUrl: 'https://ark.cn-beijing.volces.com/api/v3',
    // The date in the name of 4.5, and what sizes it makes, are not told.
    models: [...Object.keys(MODELS), 'doubao-seedream-4-5-*'],
  },
  models: MODELS,
  capability: (model) =>
    narrowed(model, { ...API_CAPABILITY, formats: model.formats ? FORMATS_OF_5 : API_CAPABILITY.formats }),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: response.headers.get('x-request-id') ?? undefined }
    const { said, count } = yield* readPictures(response, work, pictureCounter())
    if (count === 0) throw errorOfResponse(response, upstream, entryErrorIn(said), readError)
    yield { type: 'summary', summary: arkSummary(said) }
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
    // Jpeg is what is made where nothing is said, and only 5.0 lets something be said.
    output_format: format === 'jpeg' ? undefined : format,
    // Whoever does not say so gets "AI generated" in a corner of the picture.
    watermark: false,
    seed: extras['seed'],
    guidance_scale: extras['guidance'],
  }
}

/** Counts the pictures as they come: an entry may hold an error in the place of its picture. */
function pictureCounter(): (path: Path) => number | undefined {
  const places = new Map<number, number>()
  return (path) => {
    const entry = pictureAt(path)
    if (entry === undefined) return undefined
    const place = places.get(entry) ?? places.size
    places.set(entry, place)
    return place
  }
}

const errorEntry = z.object({ error: z.looseObject({}) })
const entriesReply = z.object({ data: z.array(z.unknown()) })

/** The error of an answer without a picture: its own, or that of the first entry that has one. */
function entryErrorIn(said: unknown): unknown {
  const entries = entriesReply.safeParse(said).data?.data ?? []
  return [said, ...entries].find((each) => errorEntry.safeParse(each).success)
}

const imagesReply = z.object({
  data: z.array(z.object({ size: optionalText, output_format: optionalText }).catch({})).catch([]),
  usage: z.object({ output_tokens: tokenCount, total_tokens: tokenCount.nullish() }).nullish().catch(undefined),
})

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

/** What its codes mean whatever they come with, which may be a 200 (protocols §6.9). */
const CODE_MEANINGS: readonly [code: RegExp, meaning: ErrorReport][] = [
  [/SensitiveContentDetected/, { moderated: true }],
  [/^(?:AuthenticationError|AccountOverdueError)/, { kind: 'misconfigured' }],
  // A quota is one that was given for a model, and does not come back.
  [/^(?:ModelNotOpen|InvalidEndpointOrModel|QuotaExceeded)/, { kind: 'misconfigured', ofModel: true }],
  [/^RateLimitExceeded/, { kind: 'throttled' }],
  // That is nothing of the account's, which is as good as ever for other models.
  [/^ServerOverloaded/, { kind: 'unavailable' }],
]

const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  const [, meaning] = CODE_MEANINGS.find(([code]) => code.test(said.code ?? '')) ?? []
  return { ...said, message: said.message?.replace(/ *Request id: ?\S+$/i, ''), ...meaning }
}
