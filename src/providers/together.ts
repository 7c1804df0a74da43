import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { jsonRequest, bearer, callUpstream } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { answeredImages } from './wire/json-pictures'
import type { Provider, ProviderError, Upstream, Work } from './provider'
import {
  type ErrorReader,
  errorOfResponse,
  readOpenaiError,
  requestIdOf,
  mentionsModeration,
} from './wire/upstream-error'

/** What the API takes (protocols §6.7), of which not every model takes all; and by docs.together.ai four pictures at once. */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  extras: ['seed', 'negative_prompt', 'steps', 'guidance'],
  // It has no bound of its own for them all: that of OpenAI's API.
  maxInputs: 16,
  maxImages: 4,
} as const satisfies Partial<Model>

/** The edges are those of the models' maker, as far as its documentation tells. */
const TOGETHER_FLUX = {
  ...API_CAPABILITY,
  extras: ['seed'],
  sizes: { kind: 'range', min: 256, max: 1440, auto: '1024x1024' },
} as const
const TOGETHER_FLUX_2 = { ...TOGETHER_FLUX, sizes: { ...TOGETHER_FLUX.sizes, max: 2048 }, maxInputs: 8 } as const
const TOGETHER_TUNABLE_FLUX_2 = { ...TOGETHER_FLUX_2, extras: ['seed', 'steps', 'guidance'] } as const
const TOGETHER_KONTEXT = { ...TOGETHER_FLUX, maxInputs: 1 } as const

/** Black Forest Labs' models, by the names of docs.together.ai; what else it serves is for settings to list. */
const MODELS: Readonly<Record<string, Model>> = {
  'black-forest-labs/FLUX.2-pro': TOGETHER_FLUX_2,
  'black-forest-labs/FLUX.2-max': TOGETHER_FLUX_2,
  'black-forest-labs/FLUX.2-flex': TOGETHER_TUNABLE_FLUX_2,
  'black-forest-labs/FLUX.2-dev': TOGETHER_TUNABLE_FLUX_2,
  'black-forest-labs/FLUX.1.1-pro': { ...TOGETHER_FLUX, maxInputs: 0 },
  'black-forest-labs/FLUX.1-kontext-pro': TOGETHER_KONTEXT,
  'black-forest-labs/FLUX.1-kontext-max': TOGETHER_KONTEXT,
}

/** Together (protocols §6.7): as OpenAI answers, with width and height for sizes, and pictures to edit as URLs. */
export const togetherProvider: Provider = {
  id: 'together',
  wellKnown: {
    secret: 'TOGETHER_API_KEY',
    baseUrl: 'https://api.together.xyz/v1',
    models: Object.keys(MODELS),
    priority: 1,
  },
  models: MODELS,
  capability: (model) => narrowed(model, API_CAPABILITY),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    const failureOf = (said: unknown): ProviderError => errorOfResponse(response, upstream, said, readError)
    yield* answeredImages(response, work, failureOf, () => ({}))
  },
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const asked = { account: bearer(upstream), ...jsonRequest(requestFields(request, work)) }
  return callUpstream(upstream, work, '/images/generations', asked, readError)
}

function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
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
    ...inputFields(request, work),
  }
}

/** The Kontext models take one picture, under a name of its own; all others a list. */
function inputFields({ images }: ImageRequest, work: Work): Record<string, unknown> {
  const [first, ...others] = images.map((image) => inputDataUrl(image, work))
  if (!first) return {}
  if (others.length === 0 && /kontext/i.test(work.model)) return { image_url: first }
  return { reference_images: [first, ...others] }
}

const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  // Which codes it has for content is not known.
  if (mentionsModeration(said.message)) return { ...said, moderated: true }
  if (said.code === 'model_not_available' || said.code === 'model_not_found')
    return { ...said, kind: 'misconfigured', ofModel: true }
  return said
}
