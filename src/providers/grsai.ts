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
} from '../catalog/grsai-families'
import { ratioNamed, shaped } from '../catalog/ratios'
import type { Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { jsonRequest, bearer, callUpstream, readingImage, readJsonReply } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText } from './wire/lenient'
import { type JobState, pollJob, UnknownJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderErrorKind, type Upstream, type Work } from './provider'
import { type ErrorReader, errorOfReport } from './wire/upstream-error'

const isBanana = (theirs: string): boolean => theirs.includes('nano-banana')
const isSora = (theirs: string): boolean => theirs.startsWith('sora-')
const familyOf = (theirs: string): ModelFamily =>
  isBanana(theirs) ? BANANA_FAMILY : isSora(theirs) ? SORA_FAMILY : GPT_FAMILY

/** Models of others that it serves as what they are. */
// Patterns, since neither whether it goes on with a model that its maker shuts down nor how the names of 2.5 end is known.
const RESOLD_MODELS = ['gpt-image-2', 'gpt-image-2.5*', 'gpt-image-1.5*', 'gemini-3-pro-image=nano-banana-pro']

/** How often a task is asked about, at last, in ms. */
const POLL_MS = 2000

/**
 * GrsAI (protocols §5): a task, asked about by its id. A base URL that ends in `/v1/api` is that of its new generation,
 * with one endpoint for all models; any other is that of the old, whose endpoint goes by the model's name.
 */
export const grsaiProvider: Provider = {
  id: 'grsai',
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

/** The sizes of a model that can be asked for. */
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

/** Begins a task, and tells its id. */
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
  throw isFailed(task) ? taskError(task, upstream) : new ProviderError('unavailable', 'told no id of its task')
}

/** Each generation says in its own words how pictures are sent, and that the answer is to be but an id. */
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
  // Since `-vip` takes pixels only, what is left to it is left out.
  return { aspectRatio: size === DEFAULTS.size ? undefined : size }
}

/** What each family takes of the old generation, besides a prompt and pictures. */
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

/** The old generation wraps a task, and either says what is wrong with status 200. */
const wrappedTaskReply = taskReply.extend({
  code: z.number().catch(0),
  msg: optionalText,
  data: taskReply.nullish().catch(null),
})

const UNKNOWN_TASK_CODE = -22
const NOT_SERVED_CODE = -1
/** What else is meant by that code is told in words alone, of which only `insufficient credits` is known (protocols §5.1). */
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
  if (ACCOUNT_WORDS.test(words)) return 'misconfigured'
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
  // One that was made by an older model may stand alone.
  const several = (task.results ?? []).flatMap(({ url }) => url || [])
  const urls = several.length > 0 ? several : [task.url].flatMap((url) => url || [])
  return urls.length > 0
    ? { done: urls }
    : { failed: new ProviderError('lost', 'succeeded without a picture', { ofRequest: true }) }
}

const isFailed = ({ status }: GrsaiJob): boolean => status === 'failed' || status === 'violation'

const MODERATION_REASONS = ['input_moderation', 'output_moderation']

function taskError({ status, failure_reason, error }: GrsaiJob, upstream: Upstream): ProviderError {
  const moderated = status === 'violation' || MODERATION_REASONS.includes(failure_reason ?? '')
  if (!moderated) return new ProviderError('unavailable', 'failed to make the picture')
  const what = failure_reason === 'output_moderation' ? 'picture that was made' : 'request'
  const message = error || `Its safety system refused the ${what}.`
  return errorOfReport({ kind: 'rejected', moderated, message }, upstream)
}

const errorReply = z.object({ msg: optionalText, error: optionalText })

const readError: ErrorReader = (body) => {
  const { msg, error } = errorReply.safeParse(body).data ?? {}
  return { message: msg || error || undefined }
}
