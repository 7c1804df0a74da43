import { FLUX_3, FLUX_3_PRICES, flux3Fields } from '../catalog/flux-3'
import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, shaped, shapesOf } from '../catalog/ratios'
import type { Sizes } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'

/** The usual inputs (protocols §6.4), assumed for an unknown model. */
export const UNKNOWN_FAL_MODEL: Model = {
  ...PROMPT_ONLY,
  // The bounds are general knowledge. The documentation has none for all models.
  sizes: { kind: 'range', min: 256, max: 2048, auto: '1024x768' },
  formats: ['png', 'jpeg', 'webp'],
  moderations: ['auto', 'low'],
  extras: ['seed'],
  maxInputs: 16,
  mask: true,
}

/** The capability of a model and the form of its requests. */
export interface FalModel {
  capability: Model
  /** The fields of a lenient request; the safety checker's switch by default. */
  lenient?: Record<string, unknown>
  /** The fields of a size, if they are not those of the kind of its sizes. */
  sizeFieldsOf?: (size: string) => object
  /** Whether a single input picture is sent as a list too. */
  list?: true
  /** The name of the model that edits, if it is another one. */
  editor?: string
  /** The path below the model's name. */
  pathOf?: (request: ImageRequest) => string
}

const FAL_FLUX = { ...UNKNOWN_FAL_MODEL, formats: ['png', 'jpeg'], maxInputs: 0, mask: false } as const satisfies Model
const NO_SIZE: Sizes = { kind: 'listed', sizes: [] }

const LENIENT_TOLERANCE = { safety_tolerance: '5' }
const FAL_OPEN_FLUX: Model = { ...FAL_FLUX, maxImages: 4, extras: ['seed', 'steps', 'guidance'] }
/** Edits have an endpoint of their own. */
const FAL_FLUX_2: Omit<FalModel, 'capability'> = {
  list: true,
  pathOf: ({ images }) => (images.length > 0 ? '/edit' : ''),
}
const FAL_KONTEXT: FalModel = {
  capability: {
    ...FAL_FLUX,
    sizes: shaped(shapesOf(COMMON_RATIOS)),
    maxInputs: 4,
    maxImages: 4,
    extras: ['seed', 'guidance'],
  },
  lenient: LENIENT_TOLERANCE,
  pathOf: ({ images: { length } }) => (length === 0 ? '/text-to-image' : length === 1 ? '' : '/multi'),
}

/** FLUX.3's tolerance is not documented here, so there is no lenient request. */
const FAL_FLUX_3: FalModel = {
  capability: { ...FLUX_3, moderations: ['auto'], prices: FLUX_3_PRICES },
  sizeFieldsOf: flux3Fields,
  list: true,
  editor: 'blackforestlabs/flux-3/edit-image',
}

/** Well-known models. Their particulars are general knowledge, because protocols §6.4 has none. */
export const FAL_MODELS: ReadonlyMap<string, FalModel> = new Map(
  Object.entries<FalModel>({
    'fal-ai/flux/schnell': { capability: FAL_OPEN_FLUX },
    'fal-ai/flux/dev': { capability: FAL_OPEN_FLUX },
    'fal-ai/flux/dev/image-to-image': {
      capability: { ...FAL_OPEN_FLUX, sizes: NO_SIZE, maxInputs: 1, extras: ['seed', 'steps', 'guidance', 'strength'] },
    },
    'blackforestlabs/flux-3/text-to-image': FAL_FLUX_3,
    'fal-ai/flux-2': { capability: { ...FAL_OPEN_FLUX, maxInputs: 4 }, ...FAL_FLUX_2 },
    'fal-ai/flux-2-pro': { capability: { ...FAL_FLUX, maxInputs: 8 }, ...FAL_FLUX_2 },
    'fal-ai/flux-pro/v1.1': { capability: { ...FAL_FLUX, maxImages: 4 } },
    'fal-ai/flux-pro/kontext': FAL_KONTEXT,
    'fal-ai/flux-pro/kontext/max': FAL_KONTEXT,
    'fal-ai/flux-pro/v1/fill': {
      capability: { ...FAL_FLUX, sizes: NO_SIZE, maxInputs: 1, maxImages: 4, mask: true },
      lenient: LENIENT_TOLERANCE,
    },
  }),
)

export const falModelNamed = (model: string): FalModel => FAL_MODELS.get(model) ?? { capability: UNKNOWN_FAL_MODEL }
