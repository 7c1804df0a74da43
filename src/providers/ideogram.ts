import * as z from 'zod'
import { narrowed } from '../catalog/narrowed'
import type { ImageRequest } from '../image/request'
import { formBody, textsOf } from '../streams/form'
import { IDEOGRAM_MODELS, ideogramModelNamed } from './ideogram-models'
import { type Provider, ProviderError, type ProviderEvent, type Summary, type Upstream, type Work } from './provider'
import type { ErrorReader, ErrorReport } from './wire/error-report'
import { callUpstream, jsonRequest, modelInPath, readingImage, readJsonReply, type UpstreamRequest } from './wire/http'
import { inputFile } from './wire/inputs'
import { optionalText } from './wire/lenient'
import { type JobState, pollJob } from './wire/poll'
import { unusableAnswer } from './wire/unusable-answer'
import { errorOfReport, mentionsModeration, moderationError } from './wire/upstream-error'
import { reportOfFault, validationDetail } from './wire/validation-error'

/** The interval of the reads of a generation, in ms. The maker limits them for each account. */
const POLL_MS = 1000

/** Ideogram (protocols §6.10): a job, or pictures at once from version 1. URLs out. */
export const ideogramProvider: Provider = {
  id: 'ideogram',
  account: (upstream) => accountHeaders(upstream),
  wellKnown: { secret: 'IDEOGRAM_API_KEY', baseUrl: 'https://api.ideogram.ai', models: Object.keys(IDEOGRAM_MODELS) },
  models: IDEOGRAM_MODELS,
  capability: (model, theirs) => narrowed(model, ideogramModelNamed(theirs).capability),
  async *generate(request, upstream, work) {
    const begun: Begun = work.job === undefined ? await beginGeneration(request, upstream, work) : { job: work.job }
    yield { type: 'accepted', requestId: begun.requestId ?? begun.job, job: begun.job }
    const made =
      begun.made === undefined
        ? yield* pollJob(work, POLL_MS, () => readGeneration(begun.job, upstream, work))
        : begun.made
    yield* pictureEvents(made, request, work)
  },
}

/** A request that the API took: with its pictures, or as a job. */
type Begun = { requestId?: string | undefined } & (
  | { job?: string | undefined; made: Made }
  | { job: string; made?: undefined }
)

const accountHeaders = ({ credential }: Upstream): Record<string, string> => ({ 'api-key': credential })

const ideogramImage = z.object({
  url: optionalText,
  prompt: optionalText,
  resolution: optionalText,
  is_image_safe: z.boolean().nullish().catch(undefined),
})
type IdeogramImage = z.infer<typeof ideogramImage>

const picturesField = z.array(ideogramImage.catch({}))

/** Pictures of an answer, at least one of them, and the charge that it tells, in micro-USD. */
interface Made {
  data: IdeogramImage[]
  cost?: number | undefined
}

const submitReply = z.union([
  z.object({ request_id: z.string().optional().catch(undefined), data: picturesField }).extend({
    generation_id: z.string().optional().catch(undefined),
  }),
  z.object({ generation_id: z.string() }),
])

/** Begins a generation. Version 2 makes a job of it, which a later process can read. */
async function beginGeneration(request: ImageRequest, upstream: Upstream, work: Work): Promise<Begun> {
  const { path, fieldsOf } = ideogramModelNamed(work.model)
  const ask = path
    ? generationForm(fieldsOf(request), [], work)
    : generationBody({ ...fieldsOf(request), async: true }, request.images, work)
  const to = path ?? `/v2/image/generate/${modelInPath(work.model)}`
  const response = await callUpstream(upstream, work, to, { account: accountHeaders(upstream), ...ask }, readError)
  const said = await readJsonReply(response, submitReply)
  if (!('data' in said)) return { job: said.generation_id }
  const { data, generation_id: job, request_id: requestId } = said
  if (data.some(isDelivered)) return { job, requestId, made: { data } }
  if (job === undefined || isRefused(data)) throw missingPictureError(response, data, upstream)
  return { job, requestId }
}

type Asked = Required<Pick<UpstreamRequest, 'headers' | 'parted'>>

const generationForm = (fields: Record<string, unknown>, images: ImageRequest['images'], work: Work): Asked => {
  const form = formBody(
    textsOf(fields),
    images.map((image) => inputFile('images', image, work)),
  )
  return { headers: { 'content-type': form.contentType }, parted: form }
}

/** Pictures are sent in a form only. */
const generationBody = (fields: Record<string, unknown>, images: ImageRequest['images'], work: Work): Asked =>
  images.length > 0 ? generationForm(fields, images, work) : jsonRequest(fields)

const isDelivered = ({ url, is_image_safe: isSafe }: IdeogramImage): boolean => Boolean(url) && isSafe !== false

/** A refused picture has no URL, in an answer with status 200. */
const isRefused = (data: IdeogramImage[]): boolean => data.some(({ is_image_safe: isSafe }) => isSafe === false)

const missingPictureError = (response: Response, data: IdeogramImage[], upstream: Upstream): ProviderError =>
  isRefused(data)
    ? moderationError('picture', upstream)
    : unusableAnswer(response, 'answered without a picture', { said: data, isEmpty: true })

const generationReply = z.object({
  status: z.string(),
  failure_reason: optionalText,
  data: picturesField.nullish().catch(null),
  usage_cost_usd_micros: z.number().nonnegative().nullish().catch(null),
})

async function readGeneration(id: string, upstream: Upstream, work: Work): Promise<JobState<Made>> {
  const path = `/v2/generations/${encodeURIComponent(id)}`
  const ask = { method: 'GET', account: accountHeaders(upstream) } as const
  const said = await readJsonReply(await callUpstream(upstream, work, path, ask, readError), generationReply)
  const data = said.data ?? []
  switch (said.status) {
    case 'completed':
      if (data.some(isDelivered)) return { done: { data, cost: said.usage_cost_usd_micros ?? undefined } }
      if (isRefused(data)) return { failed: moderationError('picture', upstream) }
      return { failed: new ProviderError('lost', 'is done without a picture', { scope: 'request' }) }
    case 'failed':
      return { failed: failureFor(said.failure_reason ?? '', upstream) }
    default:
      return {}
  }
}

/** The reasons are words with underscores. Their list is not documented. */
const failureFor = (reason: string, upstream: Upstream): ProviderError =>
  mentionsModeration(reason.replaceAll('_', ' '))
    ? moderationError('request', upstream)
    : errorOfReport({ code: reason }, upstream)

async function* pictureEvents(
  { data, cost }: Made,
  request: ImageRequest,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  for (const [index, image] of data.entries()) {
    if (image.url && isDelivered(image)) yield { type: 'image', index, bytes: readingImage(work.download(image.url)) }
  }
  yield { type: 'summary', summary: { ...ideogramSummary(data, request), ...(cost === undefined ? {} : { cost }) } }
}

/** A prompt that differs from the request's is a revised prompt. */
const ideogramSummary = (data: IdeogramImage[], { prompt: asked }: ImageRequest): Summary => ({
  size: data.find(({ resolution }) => /^\d+x\d+$/.test(resolution ?? ''))?.resolution ?? undefined,
  revisedPrompts: data.map(({ prompt }) => (prompt && prompt !== asked ? prompt : undefined)),
})

const errorReply = z.object({
  error: z.string().optional().catch(undefined),
  reject_reason: optionalText,
  detail: validationDetail.optional().catch(undefined),
})

/** The meaning of `reject_reason`, with status 402 or 429 (protocols §6.10). */
const REASONS: ReadonlyMap<string, ErrorReport> = new Map<string, ErrorReport>([
  ['insufficient_funds', { kind: 'misconfigured' }],
  ['subscription_required', { kind: 'misconfigured' }],
  ['priority_credit_required', { kind: 'misconfigured' }],
  ['feature_limit', { kind: 'misconfigured', scope: 'model' }],
  ['daily_limit', { kind: 'throttled' }],
  ['inflight_limit', { kind: 'throttled' }],
])

/** The status of a refused prompt. A faulty field has the same status, with a place in its detail. */
const UNPROCESSABLE_STATUS = 422

const readError: ErrorReader = (body, status) => {
  const { error, detail, reject_reason: reason } = errorReply.safeParse(body).data ?? {}
  const meaning = REASONS.get(reason ?? '')
  if (meaning) return { message: error, code: reason ?? undefined, ...meaning }
  if (typeof detail !== 'object') {
    return { message: error ?? detail, ...(status === UNPROCESSABLE_STATUS ? { moderated: true } : {}) }
  }
  return reportOfFault(detail[0])
}
