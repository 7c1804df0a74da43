import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf, type Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { readStream } from '../streams/bytes'
import { JsonStream, type Path } from '../streams/json'
import { asJson, bearer, bodyOf, call, readingImage, unpromised } from './wire/http'
import { dataUrlOf, withWhiteMask } from './wire/inputs'
import { jobUrl } from './wire/job-url'
import { type Look, polled } from './wire/poll'
import { type Provider, ProviderError, type Upstream, type Work } from './provider'
import { type ErrorReader, errorSaid } from './wire/refusal'

/**
 * What models that nobody has heard of are taken to have. Each has inputs of its own, of which protocols §6.3 says nothing:
 * these are the usual ones, by general knowledge. How a picture would be called is anybody's guess, and one that is called
 * wrong is passed over in silence.
 */
const USUAL: Model = {
  ...PROMPT_ONLY,
  sizes: shaped(shapesOf(COMMON_RATIOS)),
  formats: ['png', 'jpeg', 'webp'],
  extras: ['seed'],
}

/** How a model is asked for what it can do. */
interface Way {
  reach: Model
  /** How it is told to be lenient. */
  lenient?: Record<string, unknown>
  /** What it calls its pictures, which it takes as a list, or its only one. */
  list?: string
  only?: string
}

const LENIENT = ['auto', 'low']
const ANY_SIZE: Sizes = { kind: 'range', min: 256, max: 2048, auto: '1024x1024' }
const NO_SIZE: Sizes = { kind: 'listed', sizes: [] }

const SCHNELL: Way = {
  reach: { ...USUAL, moderations: LENIENT, maxImages: 4, extras: ['seed', 'steps'] },
  lenient: { disable_safety_checker: true },
}
const DEV: Way = { ...SCHNELL, reach: { ...SCHNELL.reach, extras: ['seed', 'steps', 'guidance'] } }
const FLUX_2: Way = {
  reach: { ...USUAL, sizes: ANY_SIZE, moderations: LENIENT, maxInputs: 8 },
  lenient: { safety_tolerance: 5 },
  list: 'input_images',
}
const FLUX_1_1: Way = { reach: { ...USUAL, moderations: LENIENT }, lenient: { safety_tolerance: 6 } }
const KONTEXT: Way = { reach: { ...USUAL, formats: ['png', 'jpeg'], maxInputs: 1 }, only: 'input_image' }
const FILL: Way = {
  ...FLUX_1_1,
  reach: { ...FLUX_1_1.reach, sizes: NO_SIZE, maxInputs: 1, mask: true },
  only: 'image',
}

/** Well-known models; what is particular to each of them is general knowledge, of which protocols §6.3 says nothing. */
const WAYS: ReadonlyMap<string, Way> = new Map(
  Object.entries<Way>({
    'black-forest-labs/flux-2-pro': FLUX_2,
    'black-forest-labs/flux-2-max': FLUX_2,
    'black-forest-labs/flux-1.1-pro': FLUX_1_1,
    'black-forest-labs/flux-kontext-pro': KONTEXT,
    'black-forest-labs/flux-kontext-max': KONTEXT,
    'black-forest-labs/flux-fill-pro': FILL,
    'black-forest-labs/flux-dev': DEV,
    'black-forest-labs/flux-schnell': SCHNELL,
  }),
)

/** A version of a model takes what the model takes. */
const wayOf = (model: string): Way => WAYS.get(model.replace(/:.*/, '')) ?? { reach: USUAL }

/** How often its own client asks, in ms. */
const POLL_MS = 500

/** Replicate (protocols §6.3): a prediction, asked about at the URL that it was given. */
export const replicate: Provider = {
  id: 'replicate',
  wellKnown: {
    secret: 'REPLICATE_API_TOKEN',
    baseUrl: 'https://api.replicate.com',
    models: [...WAYS.keys()],
    priority: 1,
  },
  models: Object.fromEntries([...WAYS].map(([name, { reach }]) => [name, reach])),
  capability: (model, theirs) => narrowed(model, wayOf(theirs).reach),
  async *generate(request, upstream, work) {
    const { requestId, job } = work.job === undefined ? await submit(request, upstream, work) : { job: work.job }
    yield { type: 'accepted', requestId, job }
    const urls = yield* polled(work, POLL_MS, () => look(job, upstream, work))
    for (const [index, url] of urls.entries()) yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    yield { type: 'summary', summary: {} }
  },
  async cancel(job, upstream, signal) {
    await call(upstream, { signal }, `${job}/cancel`, { account: bearer(upstream), buysNothing: true })
  },
}

/** An owner's model or deployment, or a version of a model; nothing that would lead elsewhere. */
const NAME = /^((?:deployments\/)?\w[\w.-]*\/\w[\w.-]*)(?::(\w+))?$/

/** Where a model takes requests, and what the body says of it besides. */
function placeOf(model: string): { path: string; version?: string } {
  const [, name, version] = NAME.exec(model) ?? []
  if (!name) throw new ProviderError('misconfigured', 'has no model of such a name', { ofModel: true })
  if (version) return { path: '/v1/predictions', version }
  return { path: `/v1/${name.startsWith('deployments/') ? '' : 'models/'}${name}/predictions` }
}

const submitted = z.object({ id: z.string().optional().catch(undefined), urls: z.object({ get: z.url() }) })

async function submit(
  asked: ImageRequest,
  upstream: Upstream,
  given: Work,
): Promise<{ requestId: string | undefined; job: string }> {
  const { path, version } = placeOf(given.model)
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: bearer(upstream), ...asJson({ version, input: inputOf(request, work) }) }
  const response = await call(upstream, work, path, ask, readError)
  const { id, urls } = await predictionOf(response, submitted)
  return { requestId: id, job: jobUrl(upstream, urls.get, id, (own) => `/v1/predictions/${own}`) }
}

function inputOf(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, format, moderation, extras } = request
  const way = wayOf(work.model)
  // What a model makes of itself, where nobody has heard of it, is not known to be a choice.
  const isUnsaid = way.reach === USUAL && format === DEFAULTS.format
  return {
    prompt,
    ...sizeOf(request, way),
    num_outputs: n > 1 ? n : undefined,
    seed: extras['seed'],
    num_inference_steps: extras['steps'],
    guidance: extras['guidance'],
    output_format: isUnsaid ? undefined : format === 'jpeg' ? 'jpg' : format,
    ...(moderation === 'low' ? way.lenient : {}),
    ...picturesOf(request, way, work),
  }
}

function sizeOf({ size, images }: ImageRequest, { reach: { sizes } }: Way): Record<string, unknown> {
  if (sizes.kind === 'shaped') return { aspect_ratio: ratioNamed(size, sizes)?.ratio }
  const pixels = pixelsOf(size)
  if (pixels) return { aspect_ratio: 'custom', ...pixels }
  // Where nothing is said, these make a square of whatever they edit.
  return sizes.kind === 'range' && images.length > 0 ? { aspect_ratio: 'match_input_image' } : {}
}

function picturesOf({ images, mask }: ImageRequest, { list, only }: Way, work: Work): Record<string, unknown> {
  const all = images.map((image) => dataUrlOf(image, work))
  if (all.length === 0) return {}
  if (list) return { [list]: all }
  return only ? { [only]: all[0], mask: mask && dataUrlOf(mask, work) } : {}
}

/** What is said of a prediction; its input, which it repeats with all pictures in it, is passed over. */
async function predictionOf<Reply>(response: Response, schema: z.ZodType<Reply>): Promise<Reply> {
  const isInput = ([name, ...deeper]: Path): boolean => name === 'input' && deeper.length === 0
  const json = new JsonStream(readStream(bodyOf(response)), () => false, isInput)
  try {
    // No string is taken, so that the first one is asked for in vain, to the end of the text.
    await json.strings().next()
    return schema.parse(json.value())
  } catch (error) {
    throw unpromised(error)
  }
}

/** A list may hold something else in the place of a picture that came to nothing. */
const urls = z.array(z.unknown()).transform((all) => all.filter((each) => typeof each === 'string'))

const prediction = z.object({
  status: z.string(),
  output: z
    .union([z.string().transform((url) => [url]), urls])
    .nullish()
    .catch(null),
  error: z.string().nullish().catch(null),
  logs: z.string().nullish().catch(null),
})

async function look(job: string, upstream: Upstream, work: Work): Promise<Look<string[]>> {
  const ask = { method: 'GET', account: bearer(upstream) } as const
  const { status, output, error, logs } = await predictionOf(
    await call(upstream, work, job, ask, readError),
    prediction,
  )
  switch (status) {
    case 'succeeded':
      // An hour later its output is removed.
      if (!output?.length)
        return { failed: new ProviderError('lost', 'is done without a picture', { ofRequest: true }) }
      return { done: output }
    case 'failed':
      return { failed: failureOf(error ?? '', upstream) }
    case 'canceled':
    case 'aborted':
      return { failed: new ProviderError('unavailable', 'gave up its prediction') }
    default:
      return { percent: percentOf(logs ?? '') }
  }
}

/** How the safety checkers of its models word what they find; the second one is general knowledge. */
const REFUSAL = /NSFW|flagged as sensitive/i

function failureOf(error: string, upstream: Upstream): ProviderError {
  if (!REFUSAL.test(error)) return new ProviderError('unavailable', 'failed to make the picture')
  return errorSaid({ kind: 'rejected', moderated: true, message: error }, upstream)
}

/** The last of the progress bars that models log, as its own client reads them: ` 40%|████      | 4/10`. */
function percentOf(logs: string): number | undefined {
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
