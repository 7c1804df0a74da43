import { TEN_SHAPES } from './gemini-sizes'
import type { Model } from './model'
import { PROMPT_ONLY } from './prompt-only'
import { shaped } from './ratios'

/** Models that take the same parameters. */
export type ModelFamily = Model & Required<Pick<Model, 'qualities' | 'backgrounds' | 'maxInputs' | 'mask'>>

/** Sizes are asked for in pixels; which of them, and of the qualities, is for each model to say. */
export const GPT_FAMILY: ModelFamily = {
  ...PROMPT_ONLY,
  sizes: { kind: 'unknown' },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  backgrounds: ['transparent', 'opaque', 'auto'],
  maxInputs: 16,
  maxImages: 2,
  mask: true,
}

/** Ratios alone, in the sizes that OpenAI's models of its time had. */
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
/** Those that stand for Google's models of 1K only (protocols §3.1). */
const SMALL_BANANA: Model = { ...BANANA_FAMILY, sizes: shaped(TEN_SHAPES) }

/** What any of them can be asked for in the new generation, which has no fields for more (protocols §5.2). */
export const NEW_API_LIMITS = {
  qualities: ['auto'],
  backgrounds: ['opaque', 'auto'],
  maxImages: 1,
  mask: false,
} as const

/** What nobody else goes by (protocols §5.1); it is charged for in credits. */
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
