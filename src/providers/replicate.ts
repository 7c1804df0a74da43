import * as z from 'zod'
import { FLUX_3, FLUX_3_TOLERANCE, flux3Fields } from '../catalog/flux-3'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf, type Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest, readingImage } from './wire/http'
import { inputDataUrl, withWhiteMask } from './wire/inputs'
import { jobUrl } from './wire/job-url'
import { readJsonWithout } from './wire/large-reply'
import { optionalText } from './wire/lenient'
import { type JobState, pollJob } from './wire/poll'
import { type Provider, ProviderError, type Upstream, type Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { errorOfReport } from './wire/upstream-error'

/**
 * The capability of an unknown model. Inputs differ by model and protocols §6.3 lists none, so these are the usual
 * ones. The name of an input picture is unknown, and Replicate ignores a wrong one, so it takes no pictures.
 */
const UNKNOWN_MODEL: Model = {
  ...PROMPT_ONLY,
  sizes: shaped(shapesOf(COMMON_RATIOS)),
  formats: ['png', 'jpeg', 'webp'],
  extras: ['seed'],
}

/** The capability of a model and the form of its requests. */
interface ReplicateModel {
  capability: Model
  /** The fields of a lenient request. */
  lenient?: Record<string, unknown>
  /** The fields of a size, if they are not those of the kind of its sizes. */
  sizeFieldsOf?: (size: string) => object
  /** The input name of its pictures: `list` for several, `only` for one. */
  list?: string
  only?: string
}

const MODERATIONS = ['auto', 'low']
const ANY_SIZE: Sizes = { kind: 'range', min: 256, max: 2048, auto: '1024x1024' }
const NO_SIZE: Sizes = { kind: 'listed', sizes: [] }

const REPLICATE_SCHNELL: ReplicateModel = {
  capability: { ...UNKNOWN_MODEL, moderations: MODERATIONS, maxImages: 4, extras: ['seed', 'steps'] },
  lenient: { disable_safety_checker: true },
}
const REPLICATE_DEV: ReplicateModel = {
  ...REPLICATE_SCHNELL,
  capability: { ...REPLICATE_SCHNELL.capability, extras: ['seed', 'steps', 'guidance'] },
}
const REPLICATE_FLUX_2: ReplicateModel = {
  capability: { ...UNKNOWN_MODEL, sizes: ANY_SIZE, moderations: MODERATIONS, maxInputs: 8 },
  lenient: { safety_tolerance: 5 },
  list: 'input_images',
}
const REPLICATE_FLUX_3: ReplicateModel = {
  capability: { ...FLUX_3, formats: ['png', 'jpeg', 'webp'] },
  lenient: { safety_tolerance: FLUX_3_TOLERANCE },
  sizeFieldsOf: flux3Fields,
  list: 'images',
}
const REPLICATE_FLUX_1_1: ReplicateModel = {
  capability: { ...UNKNOWN_MODEL, moderations: MODERATIONS },
  lenient: { safety_tolerance: 6 },
}
const REPLICATE_KONTEXT: ReplicateModel = {
  capability: { ...UNKNOWN_MODEL, formats: ['png', 'jpeg'], maxInputs: 1 },
  only: 'input_image',
}
const REPLICATE_FILL: ReplicateModel = {
  ...REPLICATE_FLUX_1_1,
  capability: { ...REPLICATE_FLUX_1_1.capability, sizes: NO_SIZE, maxInputs: 1, mask: true },
  only: 'image',
}

/** Well-known models. Their particulars are general knowledge, because protocols §6.3 has none. */
const MODELS: ReadonlyMap<string, ReplicateModel> = new Map(
  Object.entries<ReplicateModel>({
    'black-forest-labs/flux-3-image': REPLICATE_FLUX_3,
    'black-forest-labs/flux-2-pro': REPLICATE_FLUX_2,
    'black-forest-labs/flux-2-max': REPLICATE_FLUX_2,
    'black-forest-labs/flux-1.1-pro': REPLICATE_FLUX_1_1,
    'black-forest-labs/flux-kontext-pro': REPLICATE_KONTEXT,
    'black-forest-labs/flux-kontext-max': REPLICATE_KONTEXT,
    'black-forest-labs/flux-fill-pro': REPLICATE_FILL,
    'black-forest-labs/flux-dev': REPLICATE_DEV,
    'black-forest-labs/flux-schnell': REPLICATE_SCHNELL,
  }),
)

/** A version has the capability of its model. */
const modelNamed = (model: string): ReplicateModel =>
  MODELS.get(model.replace(/:.*/, '')) ?? { capability: UNKNOWN_MODEL }

/** The interval of the vendor's own client, in ms. */
const POLL_MS = 500

/** Replicate (protocols §6.3): a prediction with a URL for its state. */
export const replicateProvider: Provider = {
  id: 'replicate',
  account: bearer,
  wellKnown: {
    secret: 'REPLICATE_API_TOKEN',
    baseUrl: 'https://api.replicate.com',
    models: [...MODELS.keys()],
    priority: 1,
  },
  models: Object.fromEntries([...MODELS].map(([name, { capability }]) => [name, capability])),
  capability: (model, theirs) => narrowed(model, modelNamed(theirs).capability),
  async *generate(request, upstream, work) {
    const { requestId, job } = work.job === undefined ? await submitJob(request, upstream, work) : { job: work.job }
    yield { type: 'accepted', requestId, job }
    const urls = yield* pollJob(work, POLL_MS, () => readJob(job, upstream, work))
    for (const [index, url] of urls.entries()) yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    yield { type: 'summary', summary: {} }
  },
  async cancel(job, upstream, signal) {
    const ask = { account: bearer(upstream), buysNothing: true } as const
    const response = await callUpstream(upstream, { signal }, `${job}/cancel`, ask, readError)
    const { status } = await readPrediction(response, predictionReply)
    return status === 'canceled'
  },
}

/** A model or a deployment of an owner, or a version of a model. No other path matches. */
const MODEL_NAME = /^((?:deployments\/)?\w[\w.-]*\/\w[\w.-]*)(?::(\w+))?$/

/** The path of a model's predictions, and its version for the body. */
function predictionEndpoint(model: string): { path: string; version?: string } {
  const [, name, version] = MODEL_NAME.exec(model) ?? []
  if (!name) throw new ProviderError('misconfigured', 'has no model with this name', { scope: 'model' })
  if (version) return { path: '/v1/predictions', version }
  return { path: `/v1/${name.startsWith('deployments/') ? '' : 'models/'}${name}/predictions` }
}

const submitReply = z.object({ id: z.string().optional().catch(undefined), urls: z.object({ get: z.url() }) })

async function submitJob(
  asked: ImageRequest,
  upstream: Upstream,
  given: Work,
): Promise<{ requestId: string | undefined; job: string }> {
  const { path, version } = predictionEndpoint(given.model)
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: bearer(upstream), ...jsonRequest({ version, input: predictionInput(request, work) }) }
  const response = await callUpstream(upstream, work, path, ask, readError)
  const { id, urls } = await readPrediction(response, submitReply)
  return { requestId: id, job: jobUrl(upstream, urls.get, id, (own) => `/v1/predictions/${own}`) }
}

function predictionInput(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, format, moderation, extras } = request
  const target = modelNamed(work.model)
  // The default format of an unknown model is unknown, so the default of the request is not sent.
  const isUnsaid = target.capability === UNKNOWN_MODEL && format === DEFAULTS.format
  return {
    prompt,
    ...sizeFields(request, target),
    num_outputs: n > 1 ? n : undefined,
    seed: extras['seed'],
    num_inference_steps: extras['steps'],
    guidance: extras['guidance'],
    output_format: isUnsaid ? undefined : format === 'jpeg' ? 'jpg' : format,
    ...(moderation === 'low' ? target.lenient : {}),
    ...inputFields(request, target, work),
  }
}

function sizeFields({ size, images }: ImageRequest, { capability: { sizes }, sizeFieldsOf }: ReplicateModel): object {
  if (sizeFieldsOf) return sizeFieldsOf(size)
  if (sizes.kind === 'shaped') return { aspect_ratio: ratioNamed(size, sizes)?.ratio }
  const pixels = pixelsOf(size)
  if (pixels) return { aspect_ratio: 'custom', ...pixels }
  // Without a ratio these models make a square of any input.
  return sizes.kind === 'range' && images.length > 0 ? { aspect_ratio: 'match_input_image' } : {}
}

function inputFields(
  { images, mask }: ImageRequest,
  { list, only }: ReplicateModel,
  work: Work,
): Record<string, unknown> {
  const all = images.map((image) => inputDataUrl(image, work))
  if (all.length === 0) return {}
  if (list) return { [list]: all }
  return only ? { [only]: all[0], mask: mask && inputDataUrl(mask, work) } : {}
}

/** Reads a prediction without its input, which repeats all pictures. */
const readPrediction = <Reply>(response: Response, schema: z.ZodType<Reply>): Promise<Reply> =>
  readJsonWithout('input', response, schema)

/** A list may hold another value in place of a failed picture. */
const outputUrls = z.array(z.unknown()).transform((all) => all.filter((each) => typeof each === 'string'))

const predictionReply = z.object({
  status: z.string(),
  output: z
    .union([z.string().transform((url) => [url]), outputUrls])
    .nullish()
    .catch(null),
  error: optionalText,
  logs: optionalText,
})

async function readJob(job: string, upstream: Upstream, work: Work): Promise<JobState<string[]>> {
  const ask = { method: 'GET', account: bearer(upstream) } as const
  const response = await callUpstream(upstream, work, job, ask, readError)
  const { status, output, error, logs } = await readPrediction(response, predictionReply)
  switch (status) {
    case 'succeeded':
      // Replicate removes the output an hour later.
      if (!output?.length)
        return { failed: new ProviderError('lost', 'is done without a picture', { scope: 'request' }) }
      return { done: output }
    case 'failed':
      return { failed: predictionError(error ?? '', upstream) }
    case 'canceled':
    case 'aborted':
      return { failed: new ProviderError('unavailable', 'gave up its prediction') }
    default:
      return { percent: lastPercentOf(logs ?? '') }
  }
}

/** The sentence of a model that refuses its input, such as `Input validation error: width must be …`. */
const REFUSED_INPUT = /^(?:input )?validation ?error/i

/** Words alone tell of refused content, of a refused input, or of a failed run. */
const predictionError = (message: string, upstream: Upstream): ProviderError =>
  errorOfReport({ message, ...(REFUSED_INPUT.test(message) ? { status: 422 } : {}) }, upstream)

/** The last progress bar in the logs, as the vendor's client reads it: ` 40%|████      | 4/10`. */
function lastPercentOf(logs: string): number | undefined {
  const percent = [...logs.matchAll(/(\d{1,3})%\s*\|/g)].at(-1)?.[1]
  return percent === undefined ? undefined : Number(percent)
}

const errorReply = z.object({ title: z.string().optional().catch(undefined), detail: z.string() })

const readError: ErrorReader = (body) => {
  const { title, detail } = errorReply.safeParse(body).data ?? {}
  const [, param] = /\binput\.(\w+)/.exec(detail ?? '') ?? []
  // The settings name the version, so its absence is no fault of the request.
  const isVersion = /\bversion\b/i.test(title ?? '')
  return { message: detail, param, ...(isVersion ? { kind: 'misconfigured', scope: 'model' } : {}) }
}
