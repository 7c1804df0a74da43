import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf, type Sizes, sizeText } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { asJson, call, inPath, readingImage, replyOf } from './wire/http'
import { dataUrlOf, withWhiteMask } from './wire/inputs'
import { jobUrl } from './wire/job-url'
import { type Look, polled } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { type ErrorReader, errorSaid } from './wire/refusal'

/** The usual inputs (protocols §6.4), which models that nobody has heard of are taken to have. */
const USUAL: Model = {
  ...PROMPT_ONLY,
  // The bounds are general knowledge: the documentation has none that all models share.
  sizes: { kind: 'range', min: 256, max: 2048, auto: '1024x768' },
  formats: ['png', 'jpeg', 'webp'],
  moderations: ['auto', 'low'],
  extras: ['seed'],
  maxInputs: 16,
  mask: true,
}

/** How a model is asked for what it can do. */
interface Way {
  reach: Model
  /** How it is told to be lenient; by its safety checker, unless said otherwise. */
  lenient?: Record<string, unknown>
  /** Whether it takes its pictures as a list even where there is but one. */
  list?: true
  /** Where under its name it takes a request. */
  pathOf?: (request: ImageRequest) => string
}

const KNOWN = { ...USUAL, formats: ['png', 'jpeg'], maxInputs: 0, mask: false } as const satisfies Model
const NO_SIZE: Sizes = { kind: 'listed', sizes: [] }
const KONTEXT_SIZES = shaped(shapesOf(COMMON_RATIOS))

const TOLERANT = { safety_tolerance: '5' }
const OPEN: Model = { ...KNOWN, maxImages: 4, extras: ['seed', 'steps', 'guidance'] }
/** An edit of theirs is an endpoint of its own. */
const FLUX_2: Omit<Way, 'reach'> = { list: true, pathOf: ({ images }) => (images.length > 0 ? '/edit' : '') }
const KONTEXT: Way = {
  reach: { ...KNOWN, sizes: KONTEXT_SIZES, maxInputs: 4, maxImages: 4, extras: ['seed', 'guidance'] },
  lenient: TOLERANT,
  pathOf: ({ images: { length } }) => (length === 0 ? '/text-to-image' : length === 1 ? '' : '/multi'),
}

/** Well-known models; what is particular to each of them is general knowledge, of which protocols §6.4 says nothing. */
const WAYS: ReadonlyMap<string, Way> = new Map(
  Object.entries<Way>({
    'fal-ai/flux/schnell': { reach: OPEN },
    'fal-ai/flux/dev': { reach: OPEN },
    'fal-ai/flux/dev/image-to-image': {
      reach: { ...OPEN, sizes: NO_SIZE, maxInputs: 1, extras: ['seed', 'steps', 'guidance', 'strength'] },
    },
    'fal-ai/flux-2': { reach: { ...OPEN, maxInputs: 4 }, ...FLUX_2 },
    'fal-ai/flux-2-pro': { reach: { ...KNOWN, maxInputs: 8 }, ...FLUX_2 },
    'fal-ai/flux-pro/v1.1': { reach: { ...KNOWN, maxImages: 4 } },
    'fal-ai/flux-pro/kontext': KONTEXT,
    'fal-ai/flux-pro/kontext/max': KONTEXT,
    'fal-ai/flux-pro/v1/fill': {
      reach: { ...KNOWN, sizes: NO_SIZE, maxInputs: 1, maxImages: 4, mask: true },
      lenient: TOLERANT,
    },
  }),
)

const wayOf = (model: string): Way => WAYS.get(model) ?? { reach: USUAL }

/** How often its own client asks, in ms. */
const POLL_MS = 500

/**
 * fal (protocols §6.4): a job of its queue, asked about at the URLs that it was given. At `https://fal.run` the same request
 * is answered with its pictures.
 */
export const fal: Provider = {
  id: 'fal',
  wellKnown: { secret: 'FAL_KEY', baseUrl: 'https://queue.fal.run', models: [...WAYS.keys()], priority: 1 },
  models: Object.fromEntries([...WAYS].map(([name, { reach }]) => [name, reach])),
  capability: (model, theirs) => narrowed(model, wayOf(theirs).reach),
  async *generate(request, upstream, work) {
    const begun = work.job === undefined ? await submit(request, upstream, work) : { job: jobOf(work.job) }
    const job = 'job' in begun ? JSON.stringify(begun.job) : undefined
    yield { type: 'accepted', requestId: begun.requestId, job }
    const said = 'job' in begun ? yield* polled(work, POLL_MS, () => look(begun.job, upstream, work)) : begun.said
    yield* answer(said, request, upstream, work)
  },
  async cancel(job, upstream, signal) {
    await call(upstream, { signal }, `${jobOf(job).response}/cancel`, { method: 'PUT', account: asAccount(upstream) })
  },
}

const asAccount = ({ credential }: Upstream): Record<string, string> => ({ authorization: `Key ${credential}` })

/** Where a job is asked how it stands, and for what came of it: neither is under the path that it was submitted to. */
const jobUrls = z.object({ status: z.string(), response: z.string() })
type Job = z.infer<typeof jobUrls>

const jobOf = (job: string): Job => jobUrls.parse(JSON.parse(job))

function fieldsOf(request: ImageRequest, way: Way, work: Work): Record<string, unknown> {
  const { prompt, n, size, format, moderation, extras } = request
  // What a model makes of itself, where nobody has heard of it, is not known to be a choice.
  const isUnsaid = way.reach === USUAL && format === DEFAULTS.format
  return {
    prompt,
    ...sizeOf(size, way),
    num_images: n > 1 ? n : undefined,
    seed: extras['seed'],
    num_inference_steps: extras['steps'],
    guidance_scale: extras['guidance'],
    strength: extras['strength'],
    output_format: isUnsaid ? undefined : format,
    ...(moderation === 'low' ? (way.lenient ?? { enable_safety_checker: false }) : {}),
    ...picturesOf(request, way, work),
  }
}

function sizeOf(size: string, { reach: { sizes } }: Way): Record<string, unknown> {
  if (sizes.kind === 'shaped') return { aspect_ratio: ratioNamed(size, sizes)?.ratio }
  return { image_size: pixelsOf(size) }
}

/** Most endpoints by the name of `edit` take a list, as is generally known; a mask belongs to one picture. */
function picturesOf({ images, mask }: ImageRequest, { list }: Way, work: Work): Record<string, unknown> {
  const urls = images.map((image) => dataUrlOf(image, work))
  if (mask) return { image_url: urls[0], mask_url: dataUrlOf(mask, work) }
  if (urls.length === 0) return {}
  return list || urls.length > 1 || work.model.endsWith('/edit') ? { image_urls: urls } : { image_url: urls[0] }
}

const state = z.object({ status: z.string() })

const picture = z.object({
  url: z.string(),
  width: z.int().positive().nullish().catch(null),
  height: z.int().positive().nullish().catch(null),
})
const result = z.object({
  images: z.array(picture.nullable().catch(null)).nullish().catch(null),
  /** In the place of `images` at those that make but one, as is generally known. */
  image: picture.nullish().catch(null),
  has_nsfw_concepts: z.array(z.boolean().catch(false)).nullish().catch(null),
  prompt: z.string().nullish().catch(null),
})
type Result = z.infer<typeof result>

const submitted = z.object({
  request_id: z.string().optional().catch(undefined),
  status_url: z.url(),
  response_url: z.url(),
})
const madeAtOnce = result.refine(({ images, image }) => images || image)

type Begun = { requestId?: string | undefined } & ({ job: Job } | { said: Result })

/** Begins a job, or has the pictures made at once. */
async function submit(asked: ImageRequest, upstream: Upstream, given: Work): Promise<Begun> {
  const { model } = given
  const way = wayOf(model)
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: asAccount(upstream), ...asJson(fieldsOf(request, way, work)) }
  const response = await call(upstream, work, `/${inPath(model)}${way.pathOf?.(request) ?? ''}`, ask, readError)
  const said = await replyOf(response, z.union([submitted, madeAtOnce]))
  if (!('status_url' in said)) return { requestId: response.headers.get('x-fal-request-id') ?? undefined, said }
  const { request_id: requestId, status_url, response_url } = said
  // A job goes by its owner and app alone.
  const app = model.split('/').slice(0, 2).join('/')
  const status = jobUrl(upstream, status_url, requestId, (id) => `/${app}/requests/${id}/status`)
  return {
    requestId,
    job: { status, response: jobUrl(upstream, response_url, requestId, (id) => `/${app}/requests/${id}`) },
  }
}

/** A job that is over may have failed; only asking for its result tells. */
async function look(job: Job, upstream: Upstream, work: Work): Promise<Look<Result>> {
  const ask = { method: 'GET', account: asAccount(upstream) } as const
  const { status } = await replyOf(await call(upstream, work, job.status, ask, readError), state)
  if (status !== 'COMPLETED') return {}
  try {
    return { done: await replyOf(await call(upstream, work, job.response, ask, readError), result) }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    if (isOfRun(error)) return { failed: error }
    // The account was let in a moment ago: what was forbidden is something that the run asked for.
    if (error.kind === 'misconfigured' && !error.facts.ofModel)
      return { failed: new ProviderError('lost', 'does not give out what it made', {}, { cause: error }) }
    throw error
  }
}

/** Statuses of the queue itself, at which its own client asks again (protocols §6.4). */
const OF_QUEUE = [429, 502, 503, 504]

/** Whether an error is what came of a run, and not why that cannot be told. */
const isOfRun = ({ kind, facts: { status } }: ProviderError): boolean =>
  kind === 'rejected' || (kind === 'unavailable' && status !== undefined && !OF_QUEUE.includes(status))

/** A picture that its safety checker has found something in is black. */
async function* answer(
  said: Result,
  { prompt }: ImageRequest,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const all = said.images ?? [said.image]
  const clean = all.filter((_, at) => !said.has_nsfw_concepts?.[at])
  if (all.length > 0 && clean.length === 0) {
    const message = 'Its safety checker refused what was made.'
    throw errorSaid({ kind: 'rejected', moderated: true, message }, upstream)
  }
  const made = clean.flatMap((each) => each ?? [])
  const [first] = made
  if (!first) throw new ProviderError('lost', 'is done without a picture', { ofRequest: true })
  for (const [index, { url }] of made.entries()) yield { type: 'image', index, bytes: readingImage(work.download(url)) }
  const { width, height } = first
  const size = width && height ? sizeText({ width, height }) : undefined
  const revised = said.prompt && said.prompt !== prompt ? said.prompt : undefined
  yield { type: 'summary', summary: { size, revisedPrompts: made.map(() => revised) } }
}

const fault = z.object({ loc: z.array(z.unknown()).catch([]), msg: z.string().optional(), type: z.string().optional() })
const errorReply = z.object({
  detail: z.union([z.string(), z.array(fault)]).optional(),
  message: z.string().optional(),
})

/** The run came to nothing by no fault of the request, whatever the status (general knowledge). */
const NOTHING_MADE = ['no_media_generated', 'downstream_service_error', 'generation_timeout']

const readError: ErrorReader = (body) => {
  const { detail, message } = errorReply.safeParse(body).data ?? {}
  if (typeof detail !== 'object') return { message: detail ?? message }
  const said = detail.find(({ type }) => type === 'content_policy_violation') ?? detail[0]
  // Where it stands: in the body, then under which name.
  const param = said?.loc[1]
  return {
    message: said?.msg,
    code: said?.type,
    param: typeof param === 'string' ? param : undefined,
    ...(NOTHING_MADE.includes(said?.type ?? '') ? { kind: 'unavailable' } : {}),
  }
}
