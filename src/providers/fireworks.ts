import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { readStream } from '../streams/bytes'
import { fluxJobReply, fluxJobState } from './wire/flux-job'
import {
  bearer,
  bodyStream,
  callUpstream,
  isTextReply,
  jsonRequest,
  modelInPath,
  readingImage,
  readJsonReply,
} from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText } from './wire/lenient'
import { type JobState, pollJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { readErrorBody } from './wire/error-body'
import type { ErrorReader } from './wire/error-report'
import { errorOfResponse, mentionsModeration } from './wire/upstream-error'

const SIZES = shaped(shapesOf(COMMON_RATIOS))

/** The capability of the models that answer at once (protocols §6.8). */
const FIREWORKS_FLUX_1 = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  formats: ['png', 'jpeg'],
  extras: ['seed'],
} as const satisfies Model

/** FLUX.1 Kontext is a job with a prompt and one picture to edit. */
const FIREWORKS_KONTEXT: Model = {
  ...FIREWORKS_FLUX_1,
  sizes: { kind: 'listed', sizes: [] },
  formats: ['png'],
  extras: [],
  maxInputs: 1,
}

/** The models of this provider alone. Those of Black Forest Labs are in that provider's table. */
const MODELS: Readonly<Record<string, Model>> = {
  'flux-1-schnell-fp8': FIREWORKS_FLUX_1,
  'flux-1-dev-fp8': FIREWORKS_FLUX_1,
}

/** The interval of the vendor's own SDK, in ms. */
const POLL_MS = 500

/** Fireworks (protocols §6.8): picture bytes at once, or a job for Kontext. */
export const fireworksProvider: Provider = {
  id: 'fireworks',
  account: bearer,
  wellKnown: {
    secret: 'FIREWORKS_API_KEY',
    baseUrl: 'https://api.fireworks.ai',
    models: [...Object.keys(MODELS), 'flux-kontext-pro', 'flux-kontext-max'],
    priority: 1,
  },
  models: MODELS,
  // Only Kontext takes a picture here.
  capability: (model) =>
    model.maxInputs
      ? { ...narrowed(model, FIREWORKS_KONTEXT), sizes: FIREWORKS_KONTEXT.sizes }
      : narrowed(model, FIREWORKS_FLUX_1),
  async *generate(request, upstream, work) {
    const isKontext = /flux-kontext/.test(work.model)
    if (exceedsCapability(request, isKontext))
      throw new ProviderError('misconfigured', CAPABILITY_EXCEEDED, { scope: 'model' })
    yield* isKontext ? generateByJob(request, upstream, work) : generateNow(request, upstream, work)
  },
}

/** Settings may map a model of larger capability to this API's name. The request is refused then. */
const exceedsCapability = ({ images, size, format, extras }: ImageRequest, isKontext: boolean): boolean =>
  isKontext
    ? images.length > 1 || size !== 'auto' || format !== 'png' || Object.keys(extras).length > 0
    : images.length > 0

const CAPABILITY_EXCEEDED = 'lacks an ability that the settings give to its model'

/** The full name of a model. Public models may omit their account. */
const fullName = ({ model }: Work): string =>
  modelInPath(model.includes('/') ? model : `accounts/fireworks/models/${model}`)

/** FLUX.1 runs as a workflow and takes an aspect ratio. Other models take pixels. */
async function* generateNow(
  request: ImageRequest,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const { prompt, size, format, extras } = request
  const name = fullName(work)
  const isWorkflow = /flux-1-/.test(name)
  const path = isWorkflow ? `workflows/${name}/text_to_image` : `image_generation/${name}`
  const fields = { prompt, ...(isWorkflow ? ratioField(size) : pixelsOf(size)), seed: extras['seed'] }
  const { headers, parted } = jsonRequest(fields)
  const ask = { account: bearer(upstream), headers: { ...headers, accept: `image/${format}` }, parted }
  const response = await callUpstream(upstream, work, `/inference/v1/${path}`, ask, readError)
  const bytes = readStream(bodyStream(response))
  // A web page, or an error with a good status, was not paid for.
  if (isTextReply(response)) throw errorOfResponse(response, upstream, await readErrorBody(bytes), readError)
  yield { type: 'accepted', requestId: response.headers.get('x-request-id') ?? undefined }
  yield { type: 'image', index: 0, bytes: readingImage(bytes) }
  yield { type: 'summary', summary: {} }
}

/** Settings can add a size without a known ratio. The API decides about it. */
const ratioField = (size: string): { aspect_ratio?: string } =>
  size === 'auto' ? {} : { aspect_ratio: ratioNamed(size, SIZES)?.ratio ?? size.replace('x', ':') }

async function* generateByJob(
  request: ImageRequest,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const job = work.job ?? (await submitJob(request, upstream, work))
  yield { type: 'accepted', requestId: job, job }
  const url = yield* pollJob(work, POLL_MS, () => readJob(job, upstream, work))
  yield { type: 'image', index: 0, bytes: readingImage(work.download(url)) }
  yield { type: 'summary', summary: {} }
}

const submitReply = z.object({ request_id: z.string() })

/** Submits a job and returns its id. */
async function submitJob({ prompt, images }: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const [image] = images
  const ask = { account: bearer(upstream), ...jsonRequest({ prompt, input_image: image && inputDataUrl(image, work) }) }
  const response = await callUpstream(upstream, work, `/inference/v1/workflows/${fullName(work)}`, ask, readError)
  return (await readJsonReply(response, submitReply)).request_id
}

async function readJob(id: string, upstream: Upstream, work: Work): Promise<JobState<string>> {
  const ask = { account: bearer(upstream), ...jsonRequest({ id }), buysNothing: true } as const
  const path = `/inference/v1/workflows/${fullName(work)}/get_result`
  return fluxJobState(
    await readJsonReply(await callUpstream(upstream, work, path, ask, readError), fluxJobReply),
    upstream,
  )
}

const errorReply = z.object({
  error: z.union([z.string(), z.object({ message: optionalText, code: optionalText, param: optionalText })]),
})

/** A web page from a proxy, with any status, is not the API's error. */
const WEB_PAGE = /^\s*</

/** The status of a suspended account. RFC 9110 gives it another meaning. */
const SUSPENDED_STATUS = 412

const readError: ErrorReader = (body, status) => {
  const error =
    typeof body === 'string' ? (WEB_PAGE.test(body) ? undefined : body) : errorReply.safeParse(body).data?.error
  const said = typeof error === 'string' ? { message: error } : (error ?? {})
  const message = said.message ?? undefined
  return {
    ...('code' in said ? { code: said.code ?? undefined, param: said.param ?? undefined } : {}),
    message,
    kind: status === SUSPENDED_STATUS ? 'misconfigured' : undefined,
    moderated: (status === 400 || status === 422) && mentionsModeration(message) ? true : undefined,
  }
}
