import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import { eitherWay } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'

/** The capability of a model and the form of its requests. */
interface IdeogramModel {
  capability: Model
  /** The path of the model, if it is not that of its name in v2. */
  path?: string
  /** The fields of a request without its pictures. */
  fieldsOf: (request: ImageRequest) => Record<string, unknown>
}

/** The prices by quality in USD (protocols §6.10). */
const PRICES = { low: 0.03, medium: 0.06, high: 0.1 }

/** The fields that v1 and v2 have in common. */
const commonFields = ({ extras, n }: ImageRequest): Record<string, unknown> => ({
  seed: extras['seed'],
  num_images: n === 1 ? undefined : n,
})

const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  qualities: ['low', 'medium', 'high', 'auto'],
  extras: ['seed'],
  maxImages: 8,
} as const satisfies Model

/** The edges of the sizes of about 2K that every model from 4.0 on makes. */
const EDGES_2K = [
  [2048, 2048],
  [1792, 2240],
  [1728, 2304],
  [1664, 2496],
  [1440, 2560],
  [1600, 2560],
  [1440, 2880],
  [1280, 3072],
  [1248, 3328],
  [1152, 2944],
] as const
const EDGES_1K = [
  [1024, 1024],
  [896, 1120],
  [864, 1152],
  [832, 1248],
  [800, 1280],
] as const
/** Edges that are no multiples of 32. 4.6 lacks them. */
const ODD_EDGES = [
  [1296, 3168],
  [720, 1280],
  [720, 1440],
] as const
/** Sizes above 2K, which 4.6 makes for twice the price: of the ratios 1:1, 4:3, 3:2 and 16:9. */
const EDGES_4K = [
  [4096, 4096],
  [3072, 4096],
  [2720, 4096],
  [2304, 4096],
] as const

/** A model with `size` and `quality`, and with pictures to edit. */
const sized = (capability: Partial<Model>): IdeogramModel => ({
  capability: { ...API_CAPABILITY, maxInputs: 5, ...capability },
  fieldsOf: (request) => ({
    prompt: request.prompt,
    size: request.size === 'auto' ? undefined : request.size,
    quality: request.quality === 'auto' ? undefined : request.quality,
    ...commonFields(request),
  }),
})

const prices4K = Object.fromEntries(
  EDGES_4K.flatMap(([a, b]) => [`${a}x${b}`, `${b}x${a}`]).flatMap((size) =>
    Object.entries(PRICES).map(([quality, price]) => [`${quality} ${size}`, 2 * price]),
  ),
)
const autoPrices = Object.fromEntries(Object.entries(PRICES).map(([quality, price]) => [`${quality} auto`, price]))

const IDEOGRAM_4_6 = sized({
  sizes: eitherWay([...EDGES_1K, ...EDGES_2K, ...EDGES_4K]),
  prices: { per: 'image', each: { ...PRICES, ...prices4K, ...autoPrices } },
})
const IDEOGRAM_4_5 = sized({
  sizes: eitherWay([...EDGES_1K, ...EDGES_2K, ...ODD_EDGES]),
  prices: { per: 'image', each: PRICES },
})

/** Rendering speeds by the gateway's qualities. */
const SPEEDS = new Map([
  ['low', 'turbo'],
  ['medium', 'default'],
  ['high', 'quality'],
])

const IDEOGRAM_4: IdeogramModel = {
  capability: {
    ...API_CAPABILITY,
    sizes: eitherWay([...EDGES_1K, ...EDGES_2K, ...ODD_EDGES]),
    prices: { per: 'image', each: PRICES },
  },
  fieldsOf: (request) => ({
    prompt: request.prompt,
    resolution: request.size === 'auto' ? undefined : request.size,
    rendering_speed: SPEEDS.get(request.quality),
    ...commonFields(request),
  }),
}

const RATIOS = [
  '1:1',
  '16:9',
  '9:16',
  '3:2',
  '2:3',
  '4:3',
  '3:4',
  '5:4',
  '4:5',
  '16:10',
  '10:16',
  '2:1',
  '1:2',
  '3:1',
  '1:3',
]
const RATIO_SIZES = shaped(shapesOf(RATIOS))
const P_IMAGE_SIZES = shaped(shapesOf(RATIOS), [1, 2])

const STYLES_3 = ['AUTO', 'GENERAL', 'REALISTIC', 'DESIGN', 'FICTION']

const CAPABILITY_3: Model = {
  ...API_CAPABILITY,
  sizes: RATIO_SIZES,
  extras: ['seed', 'negative_prompt'],
  style: STYLES_3,
  prices: { per: 'image', each: { ...PRICES, high: 0.09 } },
}

/** The fields of 3.0. A size that is none of its ratios is a resolution. */
function fieldsOf3(request: ImageRequest): Record<string, unknown> {
  const ratio = ratioNamed(request.size, RATIO_SIZES)?.ratio.replace(':', 'x')
  return {
    prompt: request.prompt,
    aspect_ratio: ratio,
    resolution: ratio || request.size === 'auto' ? undefined : request.size,
    rendering_speed: SPEEDS.get(request.quality),
    style_type: request.style?.toLowerCase(),
    negative_prompt: request.extras['negative_prompt'],
    ...commonFields(request),
  }
}

/** The fast model. Its price by quality is not known. */
const P_IMAGE: IdeogramModel = {
  capability: { ...API_CAPABILITY, sizes: P_IMAGE_SIZES },
  fieldsOf: (request) => {
    const shape = ratioNamed(request.size, P_IMAGE_SIZES)
    return {
      prompt: request.prompt,
      ...(shape ? { aspect_ratio: shape.ratio.replace(':', 'x'), resolution: `${shape.scale}k` } : {}),
      quality: request.quality === 'auto' ? undefined : request.quality,
      ...commonFields(request),
    }
  },
}

/** Version 1 has the words of a speed and of a style in capitals. */
const inCapitals = (word: unknown): string | undefined => (typeof word === 'string' ? word.toUpperCase() : undefined)

const IDEOGRAM_V3: IdeogramModel = {
  capability: CAPABILITY_3,
  path: '/v1/ideogram-v3/generate',
  fieldsOf: (request) => {
    const fields = fieldsOf3(request)
    return {
      ...fields,
      rendering_speed: inCapitals(fields['rendering_speed']),
      // A style of settings may be none of the API.
      style_type: request.style,
    }
  },
}

/** Version 1 of 4.0 has no seed and no count. */
const IDEOGRAM_V4: IdeogramModel = {
  capability: {
    ...IDEOGRAM_4.capability,
    sizes: eitherWay([...EDGES_2K, [1296, 3168]]),
    extras: [],
    maxImages: 1,
  },
  path: '/v1/ideogram-v4/generate',
  fieldsOf: (request) => {
    const { prompt, rendering_speed: speed, ...fields } = IDEOGRAM_4.fieldsOf(request)
    return { text_prompt: prompt, ...fields, rendering_speed: inCapitals(speed) }
  },
}

/** The models (protocols §6.10). Names with a `v` are those of version 1 of the API. */
const MODELS: ReadonlyMap<string, IdeogramModel> = new Map(
  Object.entries({
    'ideogram-4-6': IDEOGRAM_4_6,
    'ideogram-4-5': IDEOGRAM_4_5,
    'ideogram-4': IDEOGRAM_4,
    'ideogram-3': { capability: CAPABILITY_3, fieldsOf: fieldsOf3 },
    'p-image-ideogram': P_IMAGE,
    'ideogram-v4': IDEOGRAM_V4,
    'ideogram-v3': IDEOGRAM_V3,
  }),
)

/** A model that the API may have got later is most likely like the newest one. */
const UNKNOWN_MODEL = sized({})

export const ideogramModelNamed = (name: string): IdeogramModel => MODELS.get(name) ?? UNKNOWN_MODEL

export const IDEOGRAM_MODELS: Readonly<Record<string, Model>> = Object.fromEntries(
  [...MODELS].map(([name, { capability }]) => [name, capability]),
)
