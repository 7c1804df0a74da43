import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { fluxState, lookOf } from './wire/flux-job'
import { asJson, call, inPath, readingImage, replyOf } from './wire/http'
import { base64Of, withWhiteMask } from './wire/inputs'
import { type Look, polled } from './wire/poll'
import type { Provider, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/refusal'

const FLUX = {
  ...PROMPT_ONLY,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  extras: ['seed'],
} as const satisfies Partial<Model>

/** The edges are those of the maker's own documentation as far as protocols §6.2 has none. */
const FLUX_2: Model = { ...FLUX, sizes: { kind: 'range', min: 64, max: 2048, auto: '1024x1024' }, maxInputs: 8 }
/** The fast ones take four, as their maker's own reference has it. */
const KLEIN: Model = { ...FLUX_2, maxInputs: 4 }
const SHAPES = shapesOf(COMMON_RATIOS)
const KONTEXT: Model = { ...FLUX, sizes: shaped(SHAPES), maxInputs: 4 }
const ULTRA: Model = { ...FLUX, sizes: shaped(SHAPES, [2]) }
/** Of the models, these let the work itself be tuned, as their maker's documentation tells. */
const TUNABLE = ['seed', 'steps', 'guidance']
/** What a model of which no more than its name is known can be asked for: what the API has a parameter for. */
const ANY: Model = { ...FLUX, extras: TUNABLE, sizes: { kind: 'unknown' }, maxInputs: 10 }
const FILL = 'flux-pro-1.0-fill'

/** Its models (protocols §6.2), whose prices it tells with each answer only. */
const MODELS: Readonly<Record<string, Model>> = {
  'flux-2-pro': FLUX_2,
  'flux-2-flex': { ...FLUX_2, extras: TUNABLE },
  'flux-2-max': FLUX_2,
  'flux-2-klein-4b': KLEIN,
  'flux-2-klein-9b': KLEIN,
  'flux-3-image': ANY,
  'flux-3-image-klein': ANY,
  'flux-kontext-pro': KONTEXT,
  'flux-kontext-max': KONTEXT,
  'flux-pro-1.1': { ...FLUX, sizes: { kind: 'range', min: 256, max: 1440, auto: '1024x768' } },
  'flux-pro-1.1-ultra': ULTRA,
  [FILL]: { ...FLUX, extras: TUNABLE, sizes: { kind: 'listed', sizes: [] }, maxInputs: 1, mask: true },
}

/** Hosts of each region, which answers name, are under this domain. */
const DOMAIN = 'bfl.ai'
/** How often its own SDK asks, in ms. */
const POLL_MS = 500
/** The strictest is 0, and 2 the usual one (protocols §6.2); what lies beyond, FLUX.2 refuses by its maker's own reference. */
const LENIENT = 5

/** Black Forest Labs (protocols §6.2): a job, asked about at the URL that it was given. */
export const blackForestLabs: Provider = {
  id: 'black-forest-labs',
  wellKnown: { secret: 'BFL_API_KEY', baseUrl: 'https://api.bfl.ai', models: Object.keys(MODELS) },
  models: MODELS,
  capability: (model, theirs) => narrowed(model, MODELS[theirs] ?? ANY),
  async *generate(request, upstream, work) {
    const { requestId, job } = work.job === undefined ? await submit(request, upstream, work) : { job: work.job }
    yield { type: 'accepted', requestId, job }
    const url = yield* polled(work, POLL_MS, () => look(job, upstream, work))
    yield { type: 'image', index: 0, bytes: readingImage(work.download(url)) }
    yield { type: 'summary', summary: {} }
  },
}

const asAccount = ({ credential }: Upstream): Record<string, string> => ({ 'x-key': credential })

const submitted = z.object({ id: z.string().optional().catch(undefined), polling_url: z.url() })

/** Begins a job, and tells the URL at which it is asked about. */
async function submit(
  asked: ImageRequest,
  upstream: Upstream,
  given: Work,
): Promise<{ requestId?: string | undefined; job: string }> {
  const { request, work } = await withWhiteMask(asked, given)
  const ask = { account: asAccount(upstream), ...asJson(fieldsOf(request, work)) }
  const response = await call(upstream, work, `/v1/${inPath(work.model)}`, ask, readError)
  const { id, polling_url } = await replyOf(response, submitted)
  const url = new URL(polling_url)
  // Its own SDK asks with the id where that is missing (protocols §6.2).
  if (id !== undefined && !url.searchParams.has('id')) url.searchParams.set('id', id)
  return { requestId: id, job: url.href }
}

function fieldsOf(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, size, format, moderation, extras, images, mask } = request
  const [first, ...others] = images.map((image) => base64Of(image, work))
  const named = others.map((image, at) => [`input_image_${at + 2}`, image] as const)
  return {
    prompt,
    ...sizeOf(size, work.model),
    output_format: format,
    safety_tolerance: moderation === 'low' ? LENIENT : undefined,
    seed: extras['seed'],
    steps: extras['steps'],
    guidance: extras['guidance'],
    ...(work.model === FILL ? { image: first } : { input_image: first, ...Object.fromEntries(named) }),
    mask: mask && base64Of(mask, work),
  }
}

/** Most models take any pixels; those that count in ratios have a resolution of their own. */
function sizeOf(size: string, model: string): Record<string, unknown> {
  const sizes = MODELS[model]?.sizes
  const shape = sizes?.kind === 'shaped' ? ratioNamed(size, sizes) : undefined
  return shape ? { aspect_ratio: shape.ratio } : { ...pixelsOf(size) }
}

async function look(job: string, upstream: Upstream, work: Work): Promise<Look<string>> {
  const ask = { method: 'GET', account: asAccount(upstream), domain: DOMAIN } as const
  return lookOf(await replyOf(await call(upstream, work, job, ask, readError), fluxState), upstream)
}

const errorReply = z.object({
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })),
  ]),
})

const readError: ErrorReader = (body) => {
  const { detail } = errorReply.safeParse(body).data ?? {}
  if (typeof detail !== 'object') return { message: detail }
  const [first] = detail
  return { message: first?.msg, param: String(first?.loc.at(-1) ?? '') }
}
