import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { readStream } from '../streams/bytes'
import { fluxState, lookOf } from './wire/flux-job'
import { asJson, bearer, bodyOf, call, inPath, readingImage, replyOf } from './wire/http'
import { dataUrlOf } from './wire/inputs'
import { type Look, polled } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { errorIn, errorOf, type ErrorReader, speaksOfContent } from './wire/refusal'

const SIZES = shaped(shapesOf(COMMON_RATIOS))

/** What can be asked for where a picture is answered at once (protocols §6.8). */
const AT_ONCE = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  formats: ['png', 'jpeg'],
  extras: ['seed'],
} as const satisfies Model

/** What can be asked of FLUX.1 Kontext, which is a job: a prompt, and a picture to edit. */
const KONTEXT: Model = { ...AT_ONCE, sizes: { kind: 'listed', sizes: [] }, formats: ['png'], extras: [], maxInputs: 1 }

/** Models that are found only here; those of Black Forest Labs are in the table of their maker. */
const MODELS: Readonly<Record<string, Model>> = { 'flux-1-schnell-fp8': AT_ONCE, 'flux-1-dev-fp8': AT_ONCE }

/** How often its own SDK asks, in ms. */
const POLL_MS = 500

/** Fireworks (protocols §6.8): bytes at once, or for Kontext a job. */
export const fireworks: Provider = {
  id: 'fireworks',
  wellKnown: {
    secret: 'FIREWORKS_API_KEY',
    baseUrl: 'https://api.fireworks.ai',
    models: [...Object.keys(MODELS), 'flux-kontext-pro', 'flux-kontext-max'],
    priority: 1,
  },
  models: MODELS,
  // Of all that is served here, only Kontext takes a picture.
  capability: (model) =>
    model.maxInputs ? { ...narrowed(model, KONTEXT), sizes: KONTEXT.sizes } : narrowed(model, AT_ONCE),
  async *generate(request, upstream, work) {
    const isKontext = /flux-kontext/.test(work.model)
    if (asksBeyond(request, isKontext)) throw new ProviderError('misconfigured', BEYOND, { ofModel: true })
    yield* isKontext ? byJob(request, upstream, work) : atOnce(request, upstream, work)
  },
}

/** By a name of the settings' own, or of another maker's, a model may seem to do more than its API here takes. */
const asksBeyond = ({ images, size, format, extras }: ImageRequest, isKontext: boolean): boolean =>
  isKontext
    ? images.length > 1 || size !== 'auto' || format !== 'png' || Object.keys(extras).length > 0
    : images.length > 0

const BEYOND = 'is asked for what its model does not take: settings say that it is another'

/** A model by its full name, which may be given without the account that all public ones are of. */
const fullName = ({ model }: Work): string => inPath(model.includes('/') ? model : `accounts/fireworks/models/${model}`)

/** A FLUX.1 is a workflow, and is told an aspect ratio; any other model is told the pixels. */
async function* atOnce(request: ImageRequest, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const { prompt, size, format, extras } = request
  const name = fullName(work)
  const isWorkflow = /flux-1-/.test(name)
  const path = isWorkflow ? `workflows/${name}/text_to_image` : `image_generation/${name}`
  const fields = { prompt, ...(isWorkflow ? ratioOf(size) : pixelsOf(size)), seed: extras['seed'] }
  const { headers, parted } = asJson(fields)
  const ask = { account: bearer(upstream), headers: { ...headers, accept: `image/${format}` }, parted }
  const response = await call(upstream, work, `/inference/v1/${path}`, ask, readError)
  const bytes = readStream(bodyOf(response))
  // A web page, or an error that comes with a good status, was not paid for.
  if (/^(?:text\/|application\/json)/i.test(response.headers.get('content-type') ?? ''))
    throw errorOf(response, upstream, await errorIn(bytes), readError)
  yield { type: 'accepted', requestId: response.headers.get('x-request-id') ?? undefined }
  yield { type: 'image', index: 0, bytes: readingImage(bytes) }
  yield { type: 'summary', summary: {} }
}

/** A size that has no ratio of the API's, as settings can add to a model, is passed on for the API to judge. */
const ratioOf = (size: string): { aspect_ratio?: string } =>
  size === 'auto' ? {} : { aspect_ratio: ratioNamed(size, SIZES)?.ratio ?? size.replace('x', ':') }

async function* byJob(request: ImageRequest, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const job = work.job ?? (await submit(request, upstream, work))
  yield { type: 'accepted', requestId: job, job }
  const url = yield* polled(work, POLL_MS, () => look(job, upstream, work))
  yield { type: 'image', index: 0, bytes: readingImage(work.download(url)) }
  yield { type: 'summary', summary: {} }
}

const submitted = z.object({ request_id: z.string() })

/** Begins a job, and tells its id. */
async function submit({ prompt, images }: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const [image] = images
  const ask = { account: bearer(upstream), ...asJson({ prompt, input_image: image && dataUrlOf(image, work) }) }
  const response = await call(upstream, work, `/inference/v1/workflows/${fullName(work)}`, ask, readError)
  return (await replyOf(response, submitted)).request_id
}

async function look(id: string, upstream: Upstream, work: Work): Promise<Look<string>> {
  const ask = { account: bearer(upstream), ...asJson({ id }), buysNothing: true } as const
  const path = `/inference/v1/workflows/${fullName(work)}/get_result`
  return lookOf(await replyOf(await call(upstream, work, path, ask, readError), fluxState), upstream)
}

const words = z.string().nullish().catch(undefined)
const errorReply = z.object({ error: z.union([z.string(), z.object({ message: words, code: words, param: words })]) })

/** A page of something in between, which may come with any status, is not its API's. */
const PAGE = /^\s*</

/** Its status for an account that it has suspended, of those that otherwise speak of something else. */
const SUSPENDED = 412

const readError: ErrorReader = (body, status) => {
  const error = typeof body === 'string' ? (PAGE.test(body) ? undefined : body) : errorReply.safeParse(body).data?.error
  const said = typeof error === 'string' ? { message: error } : (error ?? {})
  const message = said.message ?? undefined
  return {
    ...('code' in said ? { code: said.code ?? undefined, param: said.param ?? undefined } : {}),
    message,
    kind: status === SUSPENDED ? 'misconfigured' : undefined,
    moderated: (status === 400 || status === 422) && speaksOfContent(message) ? true : undefined,
  }
}
