import * as z from 'zod'
import { narrowed } from '../catalog/narrowed'
import { ratioNamed } from '../catalog/ratios'
import { pixelsOf, sizeText } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { FAL_MODELS, type FalModel, falModelNamed, UNKNOWN_FAL_MODEL } from './fal-models'
import { readFalError } from './wire/fal-error'
import { callUpstream, jsonRequest, modelInPath, readingImage, readJsonReply } from './wire/http'
import { inputDataUrl, withWhiteMask } from './wire/inputs'
import { jobUrl } from './wire/job-url'
import { type JobState, pollJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { moderationError } from './wire/upstream-error'

/** The interval of the vendor's own client, in ms. */
const POLL_MS = 500

/**
 * fal (protocols §6.4): a job in its queue, with URLs for state and result.
 * At `https://fal.run` the same request returns its pictures.
 */
export const falProvider: Provider = {
  id: 'fal',
  account: (upstream) => accountHeaders(upstream),
  wellKnown: { secret: 'FAL_KEY', baseUrl: 'https://queue.fal.run', models: [...FAL_MODELS.keys()], priority: 1 },
  models: Object.fromEntries([...FAL_MODELS].map(([name, { capability }]) => [name, capability])),
  capability: (model, theirs) => narrowed(model, falModelNamed(theirs).capability),
  async *generate(request, upstream, work) {
    const begun = work.job === undefined ? await submitJob(request, upstream, work) : { job: parseJob(work.job) }
    const job = 'job' in begun ? JSON.stringify(begun.job) : undefined
    yield { type: 'accepted', requestId: begun.requestId, job }
    const said = 'job' in begun ? yield* pollJob(work, POLL_MS, () => readJob(begun.job, upstream, work)) : begun.said
    yield* resultEvents(said, request, upstream, work)
  },
  async cancel(job, upstream, signal) {
    const ask = { method: 'PUT', account: accountHeaders(upstream) } as const
    const response = await callUpstream(upstream, { signal }, `${parseJob(job).response}/cancel`, ask, readFalError)
    return (await readJsonReply(response, cancelReply)).status === 'CANCELLATION_REQUESTED'
  },
}

const accountHeaders = ({ credential }: Upstream): Record<string, string> => ({ authorization: `Key ${credential}` })

/** The URLs of a job's state and result. Neither is below the path of submission. */
const jobUrls = z.object({ status: z.string(), response: z.string() })
type FalJob = z.infer<typeof jobUrls>

const parseJob = (job: string): FalJob => jobUrls.parse(JSON.parse(job))

function requestFields(request: ImageRequest, target: FalModel, work: Work): Record<string, unknown> {
  const { prompt, n, size, format, moderation, extras } = request
  // The default format of an unknown model is unknown, so the default of the request is not sent.
  const isUnsaid = target.capability === UNKNOWN_FAL_MODEL && format === DEFAULTS.format
  return {
    prompt,
    ...sizeFields(size, target),
    num_images: n > 1 ? n : undefined,
    seed: extras['seed'],
    num_inference_steps: extras['steps'],
    guidance_scale: extras['guidance'],
    strength: extras['strength'],
    output_format: isUnsaid ? undefined : format,
    ...(moderation === 'low' ? (target.lenient ?? { enable_safety_checker: false }) : {}),
    ...inputFields(request, target, work),
  }
}

function sizeFields(size: string, { capability: { sizes }, sizeFieldsOf }: FalModel): object {
  if (sizeFieldsOf) return sizeFieldsOf(size)
  if (sizes.kind === 'shaped') return { aspect_ratio: ratioNamed(size, sizes)?.ratio }
  return { image_size: pixelsOf(size) }
}

/** Most endpoints named `edit` take a list, by general knowledge. A mask belongs to one picture. */
function inputFields({ images, mask }: ImageRequest, { list }: FalModel, work: Work): Record<string, unknown> {
  const urls = images.map((image) => inputDataUrl(image, work))
  if (mask) return { image_url: urls[0], mask_url: inputDataUrl(mask, work) }
  if (urls.length === 0) return {}
  return list || urls.length > 1 || work.model.endsWith('/edit') ? { image_urls: urls } : { image_url: urls[0] }
}

const statusReply = z.object({ status: z.string() })

const falImage = z.object({
  url: z.string(),
  width: z.int().positive().nullish().catch(null),
  height: z.int().positive().nullish().catch(null),
})
const resultReply = z.object({
  images: z.array(falImage.nullable().catch(null)).nullish().catch(null),
  /** Models that make one picture send `image` in place of `images`, by general knowledge. */
  image: falImage.nullish().catch(null),
  has_nsfw_concepts: z.array(z.boolean().catch(false)).nullish().catch(null),
  prompt: z.string().nullish().catch(null),
})
type FalResult = z.infer<typeof resultReply>

const submitReply = z.object({
  request_id: z.string().optional().catch(undefined),
  status_url: z.url(),
  response_url: z.url(),
})
const finishedReply = resultReply.refine(({ images, image }) => images || image)

type FalSubmission = { requestId?: string | undefined } & ({ job: FalJob } | { said: FalResult })

/** Submits a job, or receives the pictures at once. */
async function submitJob(asked: ImageRequest, upstream: Upstream, given: Work): Promise<FalSubmission> {
  const { model } = given
  const target = falModelNamed(model)
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: accountHeaders(upstream), ...jsonRequest(requestFields(request, target, work)) }
  const name = request.images.length > 0 ? (target.editor ?? model) : model
  const path = `/${modelInPath(name)}${target.pathOf?.(request) ?? ''}`
  const response = await callUpstream(upstream, work, path, ask, readFalError)
  const said = await readJsonReply(response, z.union([submitReply, finishedReply]))
  if (!('status_url' in said)) return { requestId: response.headers.get('x-fal-request-id') ?? undefined, said }
  const { request_id: requestId, status_url, response_url } = said
  // The path of a job has the model's owner and app only.
  const app = model.split('/').slice(0, 2).join('/')
  const status = jobUrl(upstream, status_url, requestId, (id) => `/${app}/requests/${id}/status`)
  return {
    requestId,
    job: { status, response: jobUrl(upstream, response_url, requestId, (id) => `/${app}/requests/${id}`) },
  }
}

/** A request to stop a job that has not completed. fal bills results only. */
const cancelReply = z.object({ status: z.string() })

/** A completed job may have failed. Only the request for its result shows that. */
async function readJob(job: FalJob, upstream: Upstream, work: Work): Promise<JobState<FalResult>> {
  const ask = { method: 'GET', account: accountHeaders(upstream) } as const
  const { status } = await readJsonReply(await callUpstream(upstream, work, job.status, ask, readFalError), statusReply)
  if (status !== 'COMPLETED') return {}
  try {
    return {
      done: await readJsonReply(await callUpstream(upstream, work, job.response, ask, readFalError), resultReply),
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    // The state request succeeded, so the account is valid and the run itself was refused.
    if (isOfAccount(error))
      return { failed: new ProviderError('lost', 'does not return its result', {}, { cause: error }) }
    if (isRunError(error)) return { failed: error }
    throw error
  }
}

/** Statuses of the queue, after which the vendor's client asks again (protocols §6.4). */
const QUEUE_STATUSES = [429, 502, 503, 504]

const isOfAccount = ({ kind, facts }: ProviderError): boolean =>
  facts.isUnexplained === true || (kind === 'misconfigured' && facts.scope !== 'model')

/** Whether an error is the outcome of the run, and not a failure to read it. */
const isRunError = ({ kind, facts: { status } }: ProviderError): boolean =>
  kind === 'rejected' || (kind === 'unavailable' && status !== undefined && !QUEUE_STATUSES.includes(status))

/** A picture with a finding of the safety checker is black and is dropped. */
async function* resultEvents(
  said: FalResult,
  { prompt }: ImageRequest,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const all = said.images ?? [said.image]
  const clean = all.filter((_, at) => !said.has_nsfw_concepts?.[at])
  if (all.length > 0 && clean.length === 0) throw moderationError('picture', upstream)
  const made = clean.flatMap((each) => each ?? [])
  const [first] = made
  if (!first) throw new ProviderError('lost', 'is done without a picture', { scope: 'request' })
  for (const [index, { url }] of made.entries()) yield { type: 'image', index, bytes: readingImage(work.download(url)) }
  const { width, height } = first
  const size = width && height ? sizeText({ width, height }) : undefined
  const revised = said.prompt && said.prompt !== prompt ? said.prompt : undefined
  yield { type: 'summary', summary: { size, revisedPrompts: made.map(() => revised) } }
}
