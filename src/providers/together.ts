import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { asJson, bearer, call } from './wire/http'
import { dataUrlOf } from './wire/inputs'
import { answered } from './wire/json-pictures'
import type { Provider, ProviderError, Upstream, Work } from './provider'
import { type ErrorReader, errorOf, readOpenaiError, requestIdOf, speaksOfContent } from './wire/refusal'

/** What the API takes (protocols §6.7), of which not every model takes all; and by docs.together.ai four pictures at once. */
const API = {
  ...PROMPT_ONLY,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  extras: ['seed', 'negative_prompt', 'steps', 'guidance'],
  // It has no bound of its own for them all: that of OpenAI's API.
  maxInputs: 16,
  maxImages: 4,
} as const satisfies Partial<Model>

/** The edges are those of the models' maker, as far as its documentation tells. */
const FLUX = { ...API, extras: ['seed'], sizes: { kind: 'range', min: 256, max: 1440, auto: '1024x1024' } } as const
const FLUX_2 = { ...FLUX, sizes: { ...FLUX.sizes, max: 2048 }, maxInputs: 8 } as const
const TUNABLE = { ...FLUX_2, extras: ['seed', 'steps', 'guidance'] } as const
const KONTEXT = { ...FLUX, maxInputs: 1 } as const

/** Black Forest Labs' models, by the names of docs.together.ai; what else it serves is for settings to list. */
const MODELS: Readonly<Record<string, Model>> = {
  'black-forest-labs/FLUX.2-pro': FLUX_2,
  'black-forest-labs/FLUX.2-max': FLUX_2,
  'black-forest-labs/FLUX.2-flex': TUNABLE,
  'black-forest-labs/FLUX.2-dev': TUNABLE,
  'black-forest-labs/FLUX.1.1-pro': { ...FLUX, maxInputs: 0 },
  'black-forest-labs/FLUX.1-kontext-pro': KONTEXT,
  'black-forest-labs/FLUX.1-kontext-max': KONTEXT,
}

/** Together (protocols §6.7): as OpenAI answers, with width and height for sizes, and pictures to edit as URLs. */
export const together: Provider = {
  id: 'together',
  wellKnown: {
    secret: 'TOGETHER_API_KEY',
    baseUrl: 'https://api.together.xyz/v1',
    models: Object.keys(MODELS),
    priority: 1,
  },
  models: MODELS,
  capability: (model) => narrowed(model, API),
  async *generate(request, upstream, work) {
    const response = await ask(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    const failureOf = (said: unknown): ProviderError => errorOf(response, upstream, said, readError)
    yield* answered(response, work, failureOf, () => ({}))
  },
}

function ask(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const asked = { account: bearer(upstream), ...asJson(fieldsOf(request, work)) }
  return call(upstream, work, '/images/generations', asked, readError)
}

function fieldsOf(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, size, format, moderation, extras } = request
  return {
    model: work.model,
    prompt,
    n,
    ...pixelsOf(size),
    output_format: format,
    response_format: 'base64',
    disable_safety_checker: moderation === 'low' ? true : undefined,
    seed: extras['seed'],
    negative_prompt: extras['negative_prompt'],
    steps: extras['steps'],
    guidance_scale: extras['guidance'],
    ...referencesOf(request, work),
  }
}

/** The Kontext models take one picture, under a name of its own; all others a list. */
function referencesOf({ images }: ImageRequest, work: Work): Record<string, unknown> {
  const [first, ...others] = images.map((image) => dataUrlOf(image, work))
  if (!first) return {}
  if (others.length === 0 && /kontext/i.test(work.model)) return { image_url: first }
  return { reference_images: [first, ...others] }
}

const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  // Which codes it has for content is not known.
  if (speaksOfContent(said.message)) return { ...said, moderated: true }
  if (said.code === 'model_not_available' || said.code === 'model_not_found')
    return { ...said, kind: 'misconfigured', ofModel: true }
  return said
}
