import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { pixelsOf } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { answeredImages } from './wire/answered-images'
import type { Provider, ProviderError, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { requestIdOf } from './wire/response-ids'
import { errorOfResponse, mentionsModeration, readOpenaiError } from './wire/upstream-error'

/**
 * The parameters of the API (protocols §6.7). Not every model takes all. The limit of four pictures comes from
 * docs.together.ai.
 */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  extras: ['seed', 'negative_prompt', 'steps', 'guidance'],
  // The API documents no limit for all models. This is the limit of OpenAI's API.
  maxInputs: 16,
  maxImages: 4,
} as const satisfies Partial<Model>

/** The edges come from the documentation of the models' maker. */
const TOGETHER_FLUX = {
  ...API_CAPABILITY,
  extras: ['seed'],
  sizes: { kind: 'range', min: 256, max: 1440, auto: '1024x1024' },
} as const
const TOGETHER_FLUX_2 = { ...TOGETHER_FLUX, sizes: { ...TOGETHER_FLUX.sizes, max: 2048 }, maxInputs: 8 } as const
const TOGETHER_TUNABLE_FLUX_2 = { ...TOGETHER_FLUX_2, extras: ['seed', 'steps', 'guidance'] } as const
const TOGETHER_KONTEXT = { ...TOGETHER_FLUX, maxInputs: 1 } as const

/** The models of Black Forest Labs, named as at docs.together.ai. Settings may list others. */
const MODELS: Readonly<Record<string, Model>> = {
  'black-forest-labs/FLUX.2-pro': TOGETHER_FLUX_2,
  'black-forest-labs/FLUX.2-max': TOGETHER_FLUX_2,
  'black-forest-labs/FLUX.2-flex': TOGETHER_TUNABLE_FLUX_2,
  'black-forest-labs/FLUX.2-dev': TOGETHER_TUNABLE_FLUX_2,
  'black-forest-labs/FLUX.1.1-pro': { ...TOGETHER_FLUX, maxInputs: 0 },
  'black-forest-labs/FLUX.1-kontext-pro': TOGETHER_KONTEXT,
  'black-forest-labs/FLUX.1-kontext-max': TOGETHER_KONTEXT,
}

/** Together (protocols §6.7): OpenAI's answers, sizes as width and height, and input pictures as URLs. */
export const togetherProvider: Provider = {
  id: 'together',
  account: bearer,
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
    yield* answeredImages(response, request.n, work, { failureOf, summaryIn: () => ({}) })
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

/** A Kontext model takes one picture in a field of its own. Other models take a list. */
function inputFields({ images }: ImageRequest, work: Work): Record<string, unknown> {
  const [first, ...others] = images.map((image) => inputDataUrl(image, work))
  if (!first) return {}
  if (others.length === 0 && /kontext/i.test(work.model)) return { image_url: first }
  return { reference_images: [first, ...others] }
}

const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  // The codes of refused content are not documented.
  if (mentionsModeration(said.message)) return { ...said, moderated: true }
  if (said.code === 'model_not_available' || said.code === 'model_not_found')
    return { ...said, kind: 'misconfigured', scope: 'model' }
  return said
}
