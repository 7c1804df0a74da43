import * as z from 'zod'
import {
  BANANA_FAMILY,
  BANANA_SIZES,
  GPT_FAMILY,
  GRSAI_MODELS,
  type ModelFamily,
  NEW_API_LIMITS,
  SORA_FAMILY,
  SORA_SIZES,
} from '../catalog/grsai-models'
import { ratioNamed, shaped } from '../catalog/ratios'
import type { Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest, readingImage, readJsonReply } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText } from './wire/lenient'
import { unquoted } from './wire/unquoted'
import { type JobState, pollJob, UnknownJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderErrorKind, type Upstream, type Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { unusableAnswer } from './wire/unusable-answer'
import { errorOfReport, moderationError } from './wire/upstream-error'

const isBanana = (theirs: string): boolean => theirs.includes('nano-banana')
const isSora = (theirs: string): boolean => theirs.startsWith('sora-')
const familyOf = (theirs: string): ModelFamily =>
  isBanana(theirs) ? BANANA_FAMILY : isSora(theirs) ? SORA_FAMILY : GPT_FAMILY

/** Models of other makers under their own names. */
// Patterns: support after a maker's shutdown and the full names of 2.5 are not documented.
const RESOLD_MODELS = ['gpt-image-2', 'gpt-image-2.5*', 'gpt-image-1.5*', 'gemini-3-pro-image=nano-banana-pro']

/** The longest interval between two reads of a task, in ms. */
const POLL_MS = 2000

/**
 * GrsAI (protocols §5): a task with an id.
 * A base URL that ends in `/v1/api` is the new API, with one endpoint for all models. The old API has an endpoint for
 * each family.
 */
export const grsaiProvider: Provider = {
  id: 'grsai',
  account: bearer,
  wellKnown: {
    secret: 'GRSAI_API_KEY',
    baseUrl: 'https://api.grsai.com',
    models: [...RESOLD_MODELS, ...Object.keys(GRSAI_MODELS)],
    priority: 1,
  },
  models: GRSAI_MODELS,
  capability(model, theirs, baseUrl = '') {
    const family = isNewApi({ baseUrl }) ? { ...familyOf(theirs), ...NEW_API_LIMITS } : familyOf(theirs)
    return {
      ...model,
      ...family,
      sizes: offeredSizes(model.sizes, family.sizes),
      qualities: offeredValues(model.qualities, family.qualities),
      backgrounds: offeredValues(model.backgrounds, family.backgrounds),
      maxInputs: Math.min(model.maxInputs ?? family.maxInputs, family.maxInputs),
      mask: model.mask !== false && family.mask,
    }
  },
  async *generate(request, upstream, work) {
    const job = work.job ?? (await submitJob(request, upstream, work))
    yield { type: 'accepted', requestId: job, job }
    const urls = yield* pollJob(work, POLL_MS, () => readJob(job, upstream, work))
    for (const [index, url] of urls.slice(0, request.n).entries()) {
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    yield { type: 'summary', summary: {} }
  },
}

/** The sizes of a model that its family offers. */
function offeredSizes(ofModel: Sizes, ofFamily: Sizes): Sizes {
  if (ofFamily.kind !== 'shaped') return ofModel
  if (ofModel.kind !== 'shaped') return ofFamily
  return shaped(
    ofFamily.shapes.filter(({ ratio }) => ofModel.shapes.some((shape) => shape.ratio === ratio)),
    ofFamily.scales.filter((scale) => ofModel.scales.includes(scale)),
  )
}

const offeredValues = (ofModel: readonly string[] | undefined, ofFamily: readonly string[]): readonly string[] =>
  ofFamily.filter((value) => ofModel?.includes(value) !== false)

const isNewApi = ({ baseUrl }: Pick<Upstream, 'baseUrl'>): boolean => baseUrl.endsWith('/v1/api')

/** Submits a task and returns its id. */
async function submitJob(request: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const response = await callUpstream(
    upstream,
    work,
    isNewApi(upstream) ? '/generate' : isBanana(work.model) ? '/v1/draw/nano-banana' : '/v1/draw/completions',
    { account: bearer(upstream), ...jsonRequest(requestFields(request, upstream, work)) },
    readError,
  )
  const task = await readTask(response, upstream)
  if (task.id && !isFailed(task)) return task.id
  throw isFailed(task)
    ? taskError(task, upstream)
    : unusableAnswer(response, 'returned no id of its task', { said: task })
}

/** Each API has its own field for pictures and for "answer with an id only". */
function requestFields(request: ImageRequest, upstream: Upstream, work: Work): Record<string, unknown> {
  const { prompt, size, images } = request
  const { model } = work
  const inputs = images.length > 0 ? images.map((image) => inputDataUrl(image, work)) : undefined
  return isNewApi(upstream)
    ? { model, prompt, ...shapeFields(size, model), images: inputs, replyType: 'async' }
    : { model, prompt, ...oldApiFields(request, work), urls: inputs, webHook: '-1' }
}

function shapeFields(size: string, model: string): { aspectRatio?: string | undefined; imageSize?: string } {
  if (isBanana(model)) {
    const shape = ratioNamed(size, BANANA_SIZES)
    return shape ? { aspectRatio: shape.ratio, imageSize: `${shape.scale}K` } : { aspectRatio: 'auto' }
  }
  if (isSora(model)) return { aspectRatio: ratioNamed(size, SORA_SIZES)?.ratio ?? 'auto' }
  // `-vip` takes pixels only, so `auto` is not sent.
  return { aspectRatio: size === DEFAULTS.size ? undefined : size }
}

/** The fields of each family in the old API, besides prompt and pictures. */
function oldApiFields({ n, size, quality, background, mask }: ImageRequest, work: Work): Record<string, unknown> {
  const shape = shapeFields(size, work.model)
  if (isBanana(work.model)) return shape
  if (isSora(work.model)) return { size: shape.aspectRatio, variants: n }
  return {
    ...shape,
    variants: n === DEFAULTS.n ? undefined : n,
    quality: quality === DEFAULTS.quality ? undefined : quality,
    background: background === DEFAULTS.background ? undefined : background,
    mask: mask && inputDataUrl(mask, work),
  }
}

const taskResults = z
  .array(z.object({ url: optionalText }).catch({}))
  .nullish()
  .catch(null)
const taskReply = z
  .object({
    id: optionalText,
    status: optionalText,
    results: taskResults,
    url: optionalText,
    failure_reason: optionalText,
    error: optionalText,
  })
  .extend({
    progress: z.number().nullish().catch(null),
  })
type GrsaiJob = z.infer<typeof taskReply>

/** The old API wraps a task. Both APIs report errors with status 200. */
const wrappedTaskReply = taskReply.extend({
  code: z.number().catch(0),
  msg: optionalText,
  data: taskReply.nullish().catch(null),
})

const UNKNOWN_TASK_CODE = -22
const NOT_SERVED_CODE = -1
/**
 * The code -1 has several meanings that only words tell apart. `insufficient credits` is the documented one (protocols
 * §5.1).
 */
const ACCOUNT_WORDS = /credit|balance|quota|api[ _-]?key|unauthori|积分|余额|密钥|令牌/i
const REQUEST_WORDS = /invalid|illegal|unknown|param|prompt|参数|提示词/i

async function readTask(response: Response, upstream: Upstream): Promise<GrsaiJob> {
  const said = await readJsonReply(response, wrappedTaskReply)
  if (said.code === 0) return said.data ?? said
  if (said.code === UNKNOWN_TASK_CODE) throw new UnknownJob()
  throw errorOfReport({ kind: kindOfCode(said.code, said.msg ?? ''), message: said.msg ?? undefined }, upstream)
}

function kindOfCode(code: number, words: string): ProviderErrorKind {
  if (code !== NOT_SERVED_CODE) return 'unavailable'
  if (ACCOUNT_WORDS.test(unquoted(words))) return 'misconfigured'
  return REQUEST_WORDS.test(words) ? 'rejected' : 'unavailable'
}

async function readJob(job: string, upstream: Upstream, work: Work): Promise<JobState<string[]>> {
  const { path, ...ask } = isNewApi(upstream)
    ? { path: `/result?id=${encodeURIComponent(job)}`, method: 'GET' as const }
    : { path: '/v1/draw/result', ...jsonRequest({ id: job }), buysNothing: true as const }
  const response = await callUpstream(upstream, work, path, { account: bearer(upstream), ...ask }, readError)
  const task = await readTask(response, upstream)
  if (isFailed(task)) return { failed: taskError(task, upstream) }
  if (task.status !== 'succeeded') return { percent: task.progress ?? undefined }
  // An older model may return a single URL.
  const several = (task.results ?? []).flatMap(({ url }) => url || [])
  const urls = several.length > 0 ? several : [task.url].flatMap((url) => url || [])
  return urls.length > 0
    ? { done: urls }
    : { failed: new ProviderError('lost', 'succeeded without a picture', { scope: 'request' }) }
}

const isFailed = ({ status }: GrsaiJob): boolean => status === 'failed' || status === 'violation'

const MODERATION_REASONS = ['input_moderation', 'output_moderation']

function taskError({ status, failure_reason, error }: GrsaiJob, upstream: Upstream): ProviderError {
  const moderated = status === 'violation' || MODERATION_REASONS.includes(failure_reason ?? '')
  if (!moderated) return errorOfReport({ message: error ?? undefined }, upstream)
  return moderationError(failure_reason === 'output_moderation' ? 'picture' : 'request', upstream, error || undefined)
}

const errorReply = z.object({ msg: optionalText, error: optionalText })

const readError: ErrorReader = (body) => {
  const { msg, error } = errorReply.safeParse(body).data ?? {}
  return { message: msg || error || undefined }
}
