import * as z from 'zod'
import { TEN_SHAPES } from '../catalog/gemini-sizes'
import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped } from '../catalog/ratios'
import type { Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { asJson, bearer, call, readingImage, replyOf } from './wire/http'
import { dataUrlOf } from './wire/inputs'
import { type Look, polled, UnknownJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderErrorKind, type Upstream, type Work } from './provider'
import { type ErrorReader, errorSaid } from './wire/refusal'

/** Models that take the same parameters. */
type Family = Model & Required<Pick<Model, 'qualities' | 'backgrounds' | 'maxInputs' | 'mask'>>

/** Sizes are asked for in pixels; which of them, and of the qualities, is for each model to say. */
const GPT: Family = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  backgrounds: ['transparent', 'opaque', 'auto'],
  maxInputs: 16,
  maxImages: 2,
  mask: true,
}

/** Ratios alone, in the sizes that OpenAI's models of its time had. */
const SORA_SIZES = shaped([
  { ratio: '1:1', width: 1024, height: 1024 },
  { ratio: '3:2', width: 1536, height: 1024 },
  { ratio: '2:3', width: 1024, height: 1536 },
])
const SORA: Family = { ...PROMPT_ONLY, sizes: SORA_SIZES, backgrounds: ['auto'], maxInputs: 16, maxImages: 2 }

const BANANA_SIZES = shaped(TEN_SHAPES, [1, 2, 4])
const BANANA: Family = {
  ...PROMPT_ONLY,
  sizes: BANANA_SIZES,
  maxInputs: 14,
}
/** Those that stand for Google's models of 1K only (protocols §3.1). */
const SMALL_BANANA: Model = { ...BANANA, sizes: shaped(TEN_SHAPES) }

/** What any of them can be asked for in the new generation, which has no fields for more (protocols §5.2). */
const NEW = { qualities: ['auto'], backgrounds: ['opaque', 'auto'], maxImages: 1, mask: false } as const

const isBanana = (theirs: string): boolean => theirs.includes('nano-banana')
const isSora = (theirs: string): boolean => theirs.startsWith('sora-')
const familyOf = (theirs: string): Family => (isBanana(theirs) ? BANANA : isSora(theirs) ? SORA : GPT)

/** What nobody else goes by (protocols §5.1); it is charged for in credits. */
const MODELS: Readonly<Record<string, Model>> = {
  'sora-image': SORA,
  'gpt-image-2-vip': { ...GPT, sizes: { kind: 'free' }, qualities: ['low', 'medium', 'high', 'auto'] },
  'nano-banana': SMALL_BANANA,
  'nano-banana-fast': SMALL_BANANA,
  'nano-banana-2-lite': SMALL_BANANA,
  'nano-banana-2': BANANA,
  'nano-banana-2-cl': BANANA,
  'nano-banana-pro': BANANA,
  'nano-banana-pro-vt': BANANA,
  'nano-banana-pro-cl': BANANA,
  'nano-banana-pro-vip': BANANA,
  'nano-banana-pro-4k-vip': BANANA,
}

/** Models of others that it serves as what they are. */
// Patterns, since neither whether it goes on with a model that its maker shuts down nor how the names of 2.5 end is known.
const OTHERS = ['gpt-image-2', 'gpt-image-2.5*', 'gpt-image-1.5*', 'gemini-3-pro-image=nano-banana-pro']

/** How often a task is asked about, at last, in ms. */
const POLL_MS = 2000

/**
 * GrsAI (protocols §5): a task, asked about by its id. A base URL that ends in `/v1/api` is that of its new generation,
 * with one endpoint for all models; any other is that of the old, whose endpoint goes by the model's name.
 */
export const grsai: Provider = {
  id: 'grsai',
  wellKnown: {
    secret: 'GRSAI_API_KEY',
    baseUrl: 'https://api.grsai.com',
    models: [...OTHERS, ...Object.keys(MODELS)],
    priority: 1,
  },
  models: MODELS,
  capability(model, theirs, baseUrl = '') {
    const family = isNew({ baseUrl }) ? { ...familyOf(theirs), ...NEW } : familyOf(theirs)
    return {
      ...model,
      ...family,
      sizes: sizesIn(model.sizes, family.sizes),
      qualities: listedIn(model.qualities, family.qualities),
      backgrounds: listedIn(model.backgrounds, family.backgrounds),
      maxInputs: Math.min(model.maxInputs ?? family.maxInputs, family.maxInputs),
      mask: model.mask !== false && family.mask,
    }
  },
  async *generate(request, upstream, work) {
    const job = work.job ?? (await submit(request, upstream, work))
    yield { type: 'accepted', requestId: job, job }
    const urls = yield* polled(work, POLL_MS, () => look(job, upstream, work))
    for (const [index, url] of urls.slice(0, request.n).entries()) {
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    yield { type: 'summary', summary: {} }
  },
}

/** The sizes of a model that can be asked for. */
function sizesIn(ofModel: Sizes, ofFamily: Sizes): Sizes {
  if (ofFamily.kind !== 'shaped') return ofModel
  if (ofModel.kind !== 'shaped') return ofFamily
  return shaped(
    ofFamily.shapes.filter(({ ratio }) => ofModel.shapes.some((shape) => shape.ratio === ratio)),
    ofFamily.scales.filter((scale) => ofModel.scales.includes(scale)),
  )
}

const listedIn = (ofModel: readonly string[] | undefined, ofFamily: readonly string[]): readonly string[] =>
  ofFamily.filter((value) => ofModel?.includes(value) !== false)

const isNew = ({ baseUrl }: Pick<Upstream, 'baseUrl'>): boolean => baseUrl.endsWith('/v1/api')

/** Begins a task, and tells its id. */
async function submit(request: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const response = await call(
    upstream,
    work,
    isNew(upstream) ? '/generate' : isBanana(work.model) ? '/v1/draw/nano-banana' : '/v1/draw/completions',
    { account: bearer(upstream), ...asJson(fieldsOf(request, upstream, work)) },
    readError,
  )
  const task = await taskOf(response, upstream)
  if (task.id && !isFailed(task)) return task.id
  throw isFailed(task) ? failureOf(task, upstream) : new ProviderError('unavailable', 'told no id of its task')
}

/** Each generation says in its own words how pictures are sent, and that the answer is to be but an id. */
function fieldsOf(request: ImageRequest, upstream: Upstream, work: Work): Record<string, unknown> {
  const { prompt, size, images } = request
  const { model } = work
  const inputs = images.length > 0 ? images.map((image) => dataUrlOf(image, work)) : undefined
  return isNew(upstream)
    ? { model, prompt, ...shapeOf(size, model), images: inputs, replyType: 'async' }
    : { model, prompt, ...oldFieldsOf(request, work), urls: inputs, webHook: '-1' }
}

function shapeOf(size: string, model: string): { aspectRatio?: string | undefined; imageSize?: string } {
  if (isBanana(model)) {
    const shape = ratioNamed(size, BANANA_SIZES)
    return shape ? { aspectRatio: shape.ratio, imageSize: `${shape.scale}K` } : { aspectRatio: 'auto' }
  }
  if (isSora(model)) return { aspectRatio: ratioNamed(size, SORA_SIZES)?.ratio ?? 'auto' }
  // Since `-vip` takes pixels only, what is left to it is left out.
  return { aspectRatio: size === DEFAULTS.size ? undefined : size }
}

/** What each family takes of the old generation, besides a prompt and pictures. */
function oldFieldsOf({ n, size, quality, background, mask }: ImageRequest, work: Work): Record<string, unknown> {
  const shape = shapeOf(size, work.model)
  if (isBanana(work.model)) return shape
  if (isSora(work.model)) return { size: shape.aspectRatio, variants: n }
  return {
    ...shape,
    variants: n === DEFAULTS.n ? undefined : n,
    quality: quality === DEFAULTS.quality ? undefined : quality,
    background: background === DEFAULTS.background ? undefined : background,
    mask: mask && dataUrlOf(mask, work),
  }
}

const text = z.string().nullish().catch(null)
const results = z
  .array(z.object({ url: text }).catch({}))
  .nullish()
  .catch(null)
const taskReply = z.object({ id: text, status: text, results, url: text, failure_reason: text, error: text }).extend({
  progress: z.number().nullish().catch(null),
})
type Task = z.infer<typeof taskReply>

/** The old generation wraps a task, and either says what is wrong with status 200. */
const reply = taskReply.extend({ code: z.number().catch(0), msg: text, data: taskReply.nullish().catch(null) })

const UNKNOWN_TASK = -22
const NOT_SERVED = -1
/** What else is meant by that code is told in words alone, of which only `insufficient credits` is known (protocols §5.1). */
const OF_ACCOUNT = /credit|balance|quota|api[ _-]?key|unauthori|积分|余额|密钥|令牌/i
const OF_REQUEST = /invalid|illegal|unknown|param|prompt|参数|提示词/i

async function taskOf(response: Response, upstream: Upstream): Promise<Task> {
  const said = await replyOf(response, reply)
  if (said.code === 0) return said.data ?? said
  if (said.code === UNKNOWN_TASK) throw new UnknownJob()
  throw errorSaid({ kind: kindOf(said.code, said.msg ?? ''), message: said.msg ?? undefined }, upstream)
}

function kindOf(code: number, words: string): ProviderErrorKind {
  if (code !== NOT_SERVED) return 'unavailable'
  if (OF_ACCOUNT.test(words)) return 'misconfigured'
  return OF_REQUEST.test(words) ? 'rejected' : 'unavailable'
}

async function look(job: string, upstream: Upstream, work: Work): Promise<Look<string[]>> {
  const { path, ...ask } = isNew(upstream)
    ? { path: `/result?id=${encodeURIComponent(job)}`, method: 'GET' as const }
    : { path: '/v1/draw/result', ...asJson({ id: job }), buysNothing: true as const }
  const response = await call(upstream, work, path, { account: bearer(upstream), ...ask }, readError)
  const task = await taskOf(response, upstream)
  if (isFailed(task)) return { failed: failureOf(task, upstream) }
  if (task.status !== 'succeeded') return { percent: task.progress ?? undefined }
  // One that was made by an older model may stand alone.
  const several = (task.results ?? []).flatMap(({ url }) => url || [])
  const urls = several.length > 0 ? several : [task.url].flatMap((url) => url || [])
  return urls.length > 0
    ? { done: urls }
    : { failed: new ProviderError('lost', 'succeeded without a picture', { ofRequest: true }) }
}

const isFailed = ({ status }: Task): boolean => status === 'failed' || status === 'violation'

const MODERATED = ['input_moderation', 'output_moderation']

function failureOf({ status, failure_reason, error }: Task, upstream: Upstream): ProviderError {
  const moderated = status === 'violation' || MODERATED.includes(failure_reason ?? '')
  if (!moderated) return new ProviderError('unavailable', 'failed to make the picture')
  const what = failure_reason === 'output_moderation' ? 'picture that was made' : 'request'
  const message = error || `Its safety system refused the ${what}.`
  return errorSaid({ kind: 'rejected', moderated, message }, upstream)
}

const errorReply = z.object({ msg: text, error: text })

const readError: ErrorReader = (body) => {
  const { msg, error } = errorReply.safeParse(body).data ?? {}
  return { message: msg || error || undefined }
}
