import type { Sizes } from './sizes'

/** What a model can do. A list that is missing means that nothing is known, and its upstream decides. */
export interface Model {
  sizes: Sizes
  qualities?: readonly string[]
  backgrounds?: readonly string[]
  formats?: readonly string[]
  moderations?: readonly string[]
  /** The values of `input_fidelity`, on edits. */
  inputFidelities?: readonly string[]
  /** Which of the parameters that only some models know are taken. */
  extras?: readonly string[]
  /** Whether an overlay image (`markup`) may come with an edit. */
  markup?: boolean
  /** Whether `style` is taken. */
  style?: boolean
}

const GPT_IMAGE = {
  qualities: ['low', 'medium', 'high', 'auto'],
  backgrounds: ['transparent', 'opaque', 'auto'],
  formats: ['png', 'webp', 'jpeg'],
  moderations: ['auto', 'low'],
  inputFidelities: [],
  extras: [],
  markup: false,
  style: false,
} as const satisfies Partial<Model>

const GPT_IMAGE_1_5 = {
  ...GPT_IMAGE,
  sizes: { kind: 'listed', sizes: ['1024x1024', '1024x1536', '1536x1024'] },
  inputFidelities: ['low', 'high'],
} as const satisfies Model

const GPT_IMAGE_2_5 = {
  ...GPT_IMAGE,
  sizes: { kind: 'free' },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  markup: true,
} as const satisfies Model

const GPT_IMAGE_2_6 = {
  ...GPT_IMAGE_2_5,
  formats: ['png', 'webp', 'jpeg', 'gif', 'svg'],
  extras: ['complexity', 'frame_count', 'frame_duration_ms', 'svg'],
} as const satisfies Model

/** The live models of OpenAI's image API in November 2026 (protocols §0, §1.1–1.3). */
const MODELS = new Map<string, Model>(
  Object.entries<Model>({
    'gpt-image-2': { ...GPT_IMAGE, sizes: { kind: 'free' }, backgrounds: ['opaque', 'auto'] },
    'gpt-image-2.5-sunburst': GPT_IMAGE_2_5,
    'gpt-image-2.5-flare': GPT_IMAGE_2_5,
    'gpt-image-2.6-sunburst': GPT_IMAGE_2_6,
    'gpt-image-2.6-flare': GPT_IMAGE_2_6,
    'gpt-image-1.5': GPT_IMAGE_1_5,
    'gpt-image-1-mini': { ...GPT_IMAGE_1_5, inputFidelities: ['low'] },
    'chatgpt-image-latest': GPT_IMAGE_1_5,
  }),
)

/** Names that clients still send for models that were shut down in 2026 (protocols §0), and who stands in for them. */
export const RETIRED: ReadonlyMap<string, string> = new Map([
  ['dall-e-2', 'gpt-image-2'],
  ['dall-e-3', 'gpt-image-2'],
  ['gpt-image-1', 'gpt-image-2'],
])

/** Every model the catalogue knows. */
export const CATALOGUED: readonly string[] = [...MODELS.keys()]

/** A model the catalogue has never heard of is passed on as it is asked for. */
const UNKNOWN: Model = { sizes: { kind: 'unknown' } }

/** What is known of a model; a dated snapshot (`gpt-image-2-2026-04-21`) can do what its model can. */
export function capabilities(model: string): Model {
  return MODELS.get(model) ?? MODELS.get(model.replace(/-\d{4}-\d{2}-\d{2}$/, '')) ?? UNKNOWN
}
