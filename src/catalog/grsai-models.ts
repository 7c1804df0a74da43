import { TEN_SHAPES } from './gemini-sizes'
import type { Model } from './model'
import { PROMPT_ONLY } from './prompt-only'
import { shaped } from './ratios'

/** The capability of models with the same parameters. */
export type ModelFamily = Model & Required<Pick<Model, 'qualities' | 'backgrounds' | 'maxInputs' | 'mask'>>

/** Sizes are in pixels. Each model limits sizes and qualities itself. */
export const GPT_FAMILY: ModelFamily = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  backgrounds: ['transparent', 'opaque', 'auto'],
  maxInputs: 16,
  maxImages: 2,
  mask: true,
}

/** Only ratios, in the sizes of OpenAI's models of that time. */
export const SORA_SIZES = shaped([
  { ratio: '1:1', width: 1024, height: 1024 },
  { ratio: '3:2', width: 1536, height: 1024 },
  { ratio: '2:3', width: 1024, height: 1536 },
])
export const SORA_FAMILY: ModelFamily = {
  ...PROMPT_ONLY,
  sizes: SORA_SIZES,
  backgrounds: ['auto'],
  maxInputs: 16,
  maxImages: 2,
}

export const BANANA_SIZES = shaped(TEN_SHAPES, [1, 2, 4])
export const BANANA_FAMILY: ModelFamily = {
  ...PROMPT_ONLY,
  sizes: BANANA_SIZES,
  maxInputs: 14,
}
/** Models for Google's models of 1K only (protocols §3.1). */
const SMALL_BANANA: Model = { ...BANANA_FAMILY, sizes: shaped(TEN_SHAPES) }

/** The limits of all models in the new API, which has fewer fields (protocols §5.2). */
export const NEW_API_LIMITS = {
  qualities: ['auto'],
  backgrounds: ['opaque', 'auto'],
  maxImages: 1,
  mask: false,
} as const

/** Models of GrsAI's own names (protocols §5.1). Their prices are in credits. */
export const GRSAI_MODELS: Readonly<Record<string, Model>> = {
  'sora-image': SORA_FAMILY,
  'gpt-image-2-vip': { ...GPT_FAMILY, sizes: { kind: 'free' }, qualities: ['low', 'medium', 'high', 'auto'] },
  'nano-banana': SMALL_BANANA,
  'nano-banana-fast': SMALL_BANANA,
  'nano-banana-2-lite': SMALL_BANANA,
  'nano-banana-2': BANANA_FAMILY,
  'nano-banana-2-cl': BANANA_FAMILY,
  'nano-banana-pro': BANANA_FAMILY,
  'nano-banana-pro-vt': BANANA_FAMILY,
  'nano-banana-pro-cl': BANANA_FAMILY,
  'nano-banana-pro-vip': BANANA_FAMILY,
  'nano-banana-pro-4k-vip': BANANA_FAMILY,
}

const [GPT_SUBSTITUTE, BANANA_SUBSTITUTE, PRO_SUBSTITUTE] = [
  'gpt-image-2',
  'gemini-nano-banana-2.1',
  'gemini-3-pro-image',
]

/** GrsAI's own names of models (protocols §5.1), and their substitutes at other upstreams. */
export const GRSAI_NAMES: Readonly<Record<string, string>> = {
  'sora-image': GPT_SUBSTITUTE,
  'gpt-image-2-vip': GPT_SUBSTITUTE,
  'nano-banana': BANANA_SUBSTITUTE,
  'nano-banana-fast': BANANA_SUBSTITUTE,
  'nano-banana-2': BANANA_SUBSTITUTE,
  'nano-banana-2-cl': BANANA_SUBSTITUTE,
  'nano-banana-2-lite': 'gemini-3.1-flash-lite-image',
  'nano-banana-pro': PRO_SUBSTITUTE,
  'nano-banana-pro-vt': PRO_SUBSTITUTE,
  'nano-banana-pro-cl': PRO_SUBSTITUTE,
  'nano-banana-pro-vip': PRO_SUBSTITUTE,
  'nano-banana-pro-4k-vip': PRO_SUBSTITUTE,
}
