import * as z from 'zod'
import { FLUX_3, FLUX_3_PRICES, FLUX_3_TOLERANCE, flux3Fields } from '../catalog/flux-3'
import type { Model } from '../catalog/model'
import { inMicroUsd } from '../catalog/money'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { fluxJobReply, fluxJobState } from './wire/flux-job'
import { callUpstream, jsonRequest, modelInPath, readingImage, readJsonReply } from './wire/http'
import { inputBase64, withWhiteMask } from './wire/inputs'
import { type JobState, pollJob } from './wire/poll'
import type { Provider, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { reportOfFault, validationDetail } from './wire/validation-error'

const BFL_FLUX = {
  ...PROMPT_ONLY,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  extras: ['seed'],
} as const satisfies Partial<Model>

/** Edges from the maker's documentation, because protocols §6.2 has none. */
const BFL_FLUX_2: Model = { ...BFL_FLUX, sizes: { kind: 'range', min: 64, max: 2048, auto: '1024x1024' }, maxInputs: 8 }
/** The klein models take four inputs by the maker's reference. */
const BFL_KLEIN: Model = { ...BFL_FLUX_2, maxInputs: 4 }
const BFL_SHAPES = shapesOf(COMMON_RATIOS)
const BFL_KONTEXT: Model = { ...BFL_FLUX, sizes: shaped(BFL_SHAPES), maxInputs: 4 }
const BFL_ULTRA: Model = { ...BFL_FLUX, sizes: shaped(BFL_SHAPES, [2]) }
/** Parameters of the models that can be tuned, by the maker's documentation. */
const TUNING_EXTRAS = ['seed', 'steps', 'guidance']
/** The capability of an unknown model: every parameter of the API. */
const UNKNOWN_MODEL: Model = { ...BFL_FLUX, extras: TUNING_EXTRAS, sizes: { kind: 'unknown' }, maxInputs: 10 }
const FLUX_3_NAME = /^flux-3-/
const FILL_MODEL = 'flux-pro-1.0-fill'

/** The models (protocols §6.2). Most prices come only with each answer. */
const MODELS: Readonly<Record<string, Model>> = {
  'flux-2-pro': BFL_FLUX_2,
  'flux-2-flex': { ...BFL_FLUX_2, extras: TUNING_EXTRAS },
  'flux-2-max': BFL_FLUX_2,
  'flux-2-klein-4b': BFL_KLEIN,
  'flux-2-klein-9b': BFL_KLEIN,
  'flux-3-image': { ...FLUX_3, prices: FLUX_3_PRICES },
  'flux-3-image-klein': FLUX_3,
  'flux-kontext-pro': BFL_KONTEXT,
  'flux-kontext-max': BFL_KONTEXT,
  'flux-pro-1.1': { ...BFL_FLUX, sizes: { kind: 'range', min: 256, max: 1440, auto: '1024x768' } },
  'flux-pro-1.1-ultra': BFL_ULTRA,
  [FILL_MODEL]: { ...BFL_FLUX, extras: TUNING_EXTRAS, sizes: { kind: 'listed', sizes: [] }, maxInputs: 1, mask: true },
}

/** The domain of the regional hosts that answers name. */
const BFL_DOMAIN = 'bfl.ai'
/** The interval of the maker's own SDK, in ms. */
const POLL_MS = 500
/** Tolerance runs from 0, the strictest; 2 is the default (protocols §6.2). FLUX.2 refuses more than 5. */
const LENIENT_TOLERANCE = 5

/** Black Forest Labs (protocols §6.2): a job with a URL for its state. */
export const blackForestLabsProvider: Provider = {
  id: 'black-forest-labs',
  account: (upstream) => accountHeaders(upstream),
  wellKnown: { secret: 'BFL_API_KEY', baseUrl: 'https://api.bfl.ai', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model, theirs) => narrowed(model, MODELS[theirs] ?? (FLUX_3_NAME.test(theirs) ? FLUX_3 : UNKNOWN_MODEL)),
  async *generate(request, upstream, work) {
    const submitted: SubmittedJob =
      work.job === undefined ? await submitJob(request, upstream, work) : { job: work.job }
    yield { type: 'accepted', requestId: submitted.requestId, job: submitted.job, ...charged(submitted.credits) }
    const ready = yield* pollJob(work, POLL_MS, () => readJob(submitted.job, upstream, work))
    yield { type: 'image', index: 0, bytes: readingImage(work.download(ready.url)) }
    yield { type: 'summary', summary: charged(ready.credits) }
  },
}

/** The charge of a job in credits of 0.01 USD (protocols §6.2). The last answer counts. */
const creditsField = z.number().nonnegative().nullish().catch(undefined)
const USD_PER_CREDIT = 0.01

/** A known charge in micro-USD. */
const charged = (credits: number | null | undefined): { cost?: number } =>
  typeof credits === 'number' ? { cost: inMicroUsd(credits * USD_PER_CREDIT) } : {}

const accountHeaders = ({ credential }: Upstream): Record<string, string> => ({ 'x-key': credential })

const submitReply = z.object({
  id: z.string().optional().catch(undefined),
  polling_url: z.url(),
  cost: creditsField,
})

/** A submitted job: the URL of its state, and its charge. */
interface SubmittedJob {
  job: string
  requestId?: string | undefined
  credits?: number | null | undefined
}

async function submitJob(asked: ImageRequest, upstream: Upstream, given: Work): Promise<SubmittedJob> {
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: accountHeaders(upstream), ...jsonRequest(requestFields(request, work)) }
  const response = await callUpstream(upstream, work, `/v1/${modelInPath(work.model)}`, ask, readError)
  const { id, polling_url, cost } = await readJsonReply(response, submitReply)
  const url = new URL(polling_url)
  // The maker's SDK adds a missing id (protocols §6.2).
  if (id !== undefined && !url.searchParams.has('id')) url.searchParams.set('id', id)
  return { requestId: id, job: url.href, credits: cost }
}

/** FLUX.3 has a list of pictures, and neither pixels nor a seed. */
function flux3Request({ prompt, size, format, moderation, images }: ImageRequest, work: Work): Record<string, unknown> {
  return {
    prompt,
    ...flux3Fields(size),
    output_format: format,
    safety_tolerance: moderation === 'low' ? FLUX_3_TOLERANCE : undefined,
    images: images.length > 0 ? images.map((image) => inputBase64(image, work)) : undefined,
  }
}

function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
  if (FLUX_3_NAME.test(work.model)) return flux3Request(request, work)
  const { prompt, size, format, moderation, extras, images, mask } = request
  const [first, ...others] = images.map((image) => inputBase64(image, work))
  const named = others.map((image, at) => [`input_image_${at + 2}`, image] as const)
  return {
    prompt,
    ...sizeFields(size, work.model),
    output_format: format,
    safety_tolerance: moderation === 'low' ? LENIENT_TOLERANCE : undefined,
    seed: extras['seed'],
    steps: extras['steps'],
    guidance: extras['guidance'],
    ...(work.model === FILL_MODEL ? { image: first } : { input_image: first, ...Object.fromEntries(named) }),
    mask: mask && inputBase64(mask, work),
  }
}

/** Most models take pixels. Models with aspect ratios have one fixed resolution. */
function sizeFields(size: string, model: string): Record<string, unknown> {
  const sizes = MODELS[model]?.sizes
  const shape = sizes?.kind === 'shaped' ? ratioNamed(size, sizes) : undefined
  return shape ? { aspect_ratio: shape.ratio } : { ...pixelsOf(size) }
}

const jobReply = fluxJobReply.extend({ cost: creditsField })

interface ReadyJob {
  url: string
  credits: number | null | undefined
}

async function readJob(job: string, upstream: Upstream, work: Work): Promise<JobState<ReadyJob>> {
  const ask = { method: 'GET', account: accountHeaders(upstream), domain: BFL_DOMAIN } as const
  const reply = await readJsonReply(await callUpstream(upstream, work, job, ask, readError), jobReply)
  const state = fluxJobState(reply, upstream)
  return 'done' in state ? { done: { url: state.done, credits: reply.cost } } : state
}

const errorReply = z.object({ detail: validationDetail })

const readError: ErrorReader = (body) => {
  const { detail } = errorReply.safeParse(body).data ?? {}
  return typeof detail === 'object' ? reportOfFault(detail[0]) : { message: detail }
}
