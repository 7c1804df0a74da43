import { geminiShape } from '../catalog/gemini-sizes'
import type { Model } from '../catalog/model'
import { ratioNamed, shaped } from '../catalog/ratios'
import type { Shape, Sizes } from '../catalog/sizes'
import { DEFAULTS, type ImageRequest, unless } from '../image/request'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { answeredImages } from './wire/answered-images'
import { OPENROUTER_URL, openrouterName } from './wire/openrouter-url'
import type { Provider, ProviderError, Upstream, Work } from './provider'
import { readRelayError, relaySummary } from './wire/relay-reply'
import { errorOfResponse } from './wire/upstream-error'

const MAX_API_INPUTS = 16
const MAX_API_IMAGES = 10

/**
 * The shapes of OpenAI's models at OpenRouter, which takes ratios and chooses the pixels itself. The pixels here are
 * the usual ones (protocols §1.2, §9).
 */
const PIXEL_SHAPES: readonly Shape[] = [
  { ratio: '1:1', width: 1024, height: 1024 },
  { ratio: '3:2', width: 1536, height: 1024 },
  { ratio: '2:3', width: 1024, height: 1536 },
  { ratio: '4:3', width: 1024, height: 768 },
  { ratio: '3:4', width: 768, height: 1024 },
  { ratio: '16:9', width: 1280, height: 720 },
  { ratio: '9:16', width: 720, height: 1280 },
  { ratio: '21:9', width: 1344, height: 576 },
]

/** Models of other makers, by OpenRouter's names (protocols §2.2). Their abilities there are not known. */
const OTHER_MODELS = [
  'black-forest-labs/flux-3-image',
  'bytedance-seed/seedream-5-0-pro',
  'recraft/recraft-v4.1-pro',
  'microsoft/mai-image-2.6',
  'x-ai/grok-imagine-image-2.0',
  'qwen/qwen-image-3-pro',
  'meta/muse-image',
  'krea/krea-2-large',
]

/** OpenRouter's images API (protocols §2.2) for models of many makers. */
export const openrouterProvider: Provider = {
  id: 'openrouter',
  account: bearer,
  wellKnown: {
    secret: 'OPENROUTER_API_KEY',
    baseUrl: OPENROUTER_URL,
    models: [
      'gpt-image-2',
      'gemini-3-pro-image',
      'gemini-3.1-flash-lite-image',
      'gemini-nano-banana-2.1',
      ...OTHER_MODELS,
    ],
    priority: 1,
  },
  capability: (model) => ({
    ...model,
    ...(model.sizes.kind === 'unknown' ? UNKNOWN_MODEL : KNOWN_MODEL),
    sizes: openrouterSizes(model.sizes),
    qualities: model.qualities ?? QUALITIES,
    maxInputs: Math.min(model.maxInputs ?? MAX_API_INPUTS, MAX_API_INPUTS),
    // Gemini models make one picture. OpenRouter refuses requests for more.
    maxImages: model.sizes.kind === 'free' || model.sizes.kind === 'listed' ? MAX_API_IMAGES : 1,
    moderations: ['auto'],
    inputFidelities: [],
    mask: false,
    markup: false,
    style: false,
  }),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: response.headers.get('x-generation-id') ?? undefined }
    const failureOf = (said: unknown): ProviderError => errorOfResponse(response, upstream, said, readRelayError)
    yield* answeredImages(response, request.n, work, { failureOf, summaryIn: relaySummary })
  },
}

const QUALITIES = ['auto', 'low', 'medium', 'high', 'xhigh', 'max']
/** An unknown model may be asked for everything that the API has. */
const UNKNOWN_MODEL = {
  backgrounds: ['auto', 'transparent', 'opaque'],
  formats: ['png', 'jpeg', 'webp', 'svg'],
  extras: ['seed'],
  compression: true,
} as const satisfies Partial<Model>
/**
 * The models of OpenAI and Google choose their format and have no seed there. A copy of its catalogue of 2026-07-31 in
 * K-Dense's skill `generate-image` shows that.
 */
const KNOWN_MODEL = { formats: ['png'], extras: [], compression: false } as const satisfies Partial<Model>

/** Models with pixel sizes get a list, because each size is a ratio there. */
const openrouterSizes = (sizes: Sizes): Sizes =>
  sizes.kind === 'free' || sizes.kind === 'range' ? shaped(PIXEL_SHAPES) : sizes

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const asked = { account: bearer(upstream), ...jsonRequest(requestFields(request, work)) }
  return callUpstream(upstream, work, '/images', asked, readRelayError)
}

/** Defaults are left out, because some models refuse some parameters. */
function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
  const model = openrouterName(work.model)
  const references = request.images.map((image) => ({
    type: 'image_url',
    image_url: { url: inputDataUrl(image, work) },
  }))
  return {
    model,
    prompt: request.prompt,
    n: unless<number>(DEFAULTS.n, request.n),
    ...sizeFields(request.size, model),
    quality: unless<string>(DEFAULTS.quality, request.quality),
    background: unless<string>(DEFAULTS.background, request.background),
    output_format: unless<string>(DEFAULTS.format, request.format),
    output_compression: unless<number>(DEFAULTS.compression, request.compression),
    input_references: references.length > 0 ? references : undefined,
    seed: request.extras['seed'],
    stream: request.partials > 0 ? true : undefined,
    user: request.endUser,
  }
}

/** OpenRouter adapts pixels without a report (the SDK on `size`). A ratio is taken as it is. */
function sizeFields(size: string, model: string): Record<string, unknown> {
  if (size === 'auto') return {}
  const named = model.startsWith('openai/') ? ratioNamed(size, shaped(PIXEL_SHAPES)) : undefined
  if (named) return { aspect_ratio: named.ratio }
  const shape = model.startsWith('google/') ? geminiShape(size) : undefined
  if (!shape) return { size }
  // 1K is the default, and the only resolution of some models.
  return { aspect_ratio: shape.ratio, resolution: shape.resolution === '1K' ? undefined : shape.resolution }
}
