import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf, type Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { readStream } from '../streams/bytes'
import { JsonStream, type Path } from '../streams/json'
import { jsonRequest, bearer, bodyStream, callUpstream, readingImage, unexpectedAnswer } from './wire/http'
import { inputDataUrl, withWhiteMask } from './wire/inputs'
import { jobUrl } from './wire/job-url'
import { optionalText } from './wire/lenient'
import { type JobState, pollJob } from './wire/poll'
import { type Provider, ProviderError, type Upstream, type Work } from './provider'
import { type ErrorReader, errorOfReport } from './wire/upstream-error'

/**
 * What models that nobody has heard of are taken to have. Each has inputs of its own, of which protocols §6.3 says nothing:
 * these are the usual ones, by general knowledge. How a picture would be called is anybody's guess, and one that is called
 * wrong is passed over in silence.
 */
const UNKNOWN_MODEL: Model = {
  ...PROMPT_ONLY,
  sizes: shaped(shapesOf(COMMON_RATIOS)),
  formats: ['png', 'jpeg', 'webp'],
  extras: ['seed'],
}

/** How a model is asked for what it can do. */
interface ReplicateModel {
  capability: Model
  /** How it is told to be lenient. */
  lenient?: Record<string, unknown>
  /** What it calls its pictures, which it takes as a list, or its only one. */
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

/** Well-known models; what is particular to each of them is general knowledge, of which protocols §6.3 says nothing. */
const MODELS: ReadonlyMap<string, ReplicateModel> = new Map(
  Object.entries<ReplicateModel>({
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

/** A version of a model takes what the model takes. */
const modelNamed = (model: string): ReplicateModel =>
  MODELS.get(model.replace(/:.*/, '')) ?? { capability: UNKNOWN_MODEL }

/** How often its own client asks, in ms. */
const POLL_MS = 500

/** Replicate (protocols §6.3): a prediction, asked about at the URL that it was given. */
export const replicateProvider: Provider = {
  id: 'replicate',
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
    await callUpstream(upstream, { signal }, `${job}/cancel`, { account: bearer(upstream), buysNothing: true })
  },
}

/** An owner's model or deployment, or a version of a model; nothing that would lead elsewhere. */
const MODEL_NAME = /^((?:deployments\/)?\w[\w.-]*\/\w[\w.-]*)(?::(\w+))?$/

/** Where a model takes requests, and what the body says of it besides. */
function predictionEndpoint(model: string): { path: string; version?: string } {
  const [, name, version] = MODEL_NAME.exec(model) ?? []
  if (!name) throw new ProviderError('misconfigured', 'has no model of such a name', { ofModel: true })
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
  // What a model makes of itself, where nobody has heard of it, is not known to be a choice.
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

function sizeFields(
  { size, images }: ImageRequest,
  { capability: { sizes } }: ReplicateModel,
): Record<string, unknown> {
  if (sizes.kind === 'shaped') return { aspect_ratio: ratioNamed(size, sizes)?.ratio }
  const pixels = pixelsOf(size)
  if (pixels) return { aspect_ratio: 'custom', ...pixels }
  // Where nothing is said, these make a square of whatever they edit.
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

/** What is said of a prediction; its input, which it repeats with all pictures in it, is passed over. */
async function readPrediction<Reply>(response: Response, schema: z.ZodType<Reply>): Promise<Reply> {
  const isInput = ([name, ...deeper]: Path): boolean => name === 'input' && deeper.length === 0
  const json = new JsonStream(readStream(bodyStream(response)), () => false, isInput)
  try {
    // No string is taken, so that the first one is asked for in vain, to the end of the text.
    await json.strings().next()
    return schema.parse(json.value())
  } catch (error) {
    throw unexpectedAnswer(error)
  }
}

/** A list may hold something else in the place of a picture that came to nothing. */
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
      // An hour later its output is removed.
      if (!output?.length)
        return { failed: new ProviderError('lost', 'is done without a picture', { ofRequest: true }) }
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

/** How the safety checkers of its models word what they find; the second one is general knowledge. */
const REFUSING_ERROR = /NSFW|flagged as sensitive/i

function predictionError(error: string, upstream: Upstream): ProviderError {
  if (!REFUSING_ERROR.test(error)) return new ProviderError('unavailable', 'failed to make the picture')
  return errorOfReport({ kind: 'rejected', moderated: true, message: error }, upstream)
}

/** The last of the progress bars that models log, as its own client reads them: ` 40%|████      | 4/10`. */
function lastPercentOf(logs: string): number | undefined {
  const percent = [...logs.matchAll(/(\d{1,3})%\s*\|/g)].at(-1)?.[1]
  return percent === undefined ? undefined : Number(percent)
}

const errorReply = z.object({ title: z.string().optional().catch(undefined), detail: z.string() })

const readError: ErrorReader = (body) => {
  const { title, detail } = errorReply.safeParse(body).data ?? {}
  const [, param] = /\binput\.(\w+)/.exec(detail ?? '') ?? []
  // A version is in the settings, not in the request.
  const isVersion = /\bversion\b/i.test(title ?? '')
  return { message: detail, param, ...(isVersion ? { kind: 'misconfigured', ofModel: true } : {}) }
}
