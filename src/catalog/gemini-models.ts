import { FOURTEEN_SHAPES, geminiSizes, TEN_SHAPES } from './gemini-sizes'
import type { Model } from './model'
import { PROMPT_ONLY } from './prompt-only'
import { byResolution } from './tokens'

/** The API has parameters for the seed and the filters only. It takes 14 pictures and makes one (protocols §3.2). */
export const GEMINI_CAPABILITY = {
  ...PROMPT_ONLY,
  moderations: ['auto', 'low'],
  extras: ['seed'],
  maxInputs: 14,
} as const satisfies Partial<Model>

/**
 * Google's image models, and those shut down in 2026 that relays still serve. Prices and tokens are those of protocols
 * §3.1 and §3.2. Thoughts cost as much as text output.
 */
export const GEMINI_MODELS: Readonly<Record<string, Model>> = {
  'gemini-nano-banana-2.1': {
    ...GEMINI_CAPABILITY,
    sizes: geminiSizes(FOURTEEN_SHAPES),
    prices: { per: 'token', textIn: 1.5, imageIn: 1.5, textOut: 7.5, imageOut: 30 },
    tokens: byResolution({ '1K': 1120, '2K': 1680, '4K': 3780 }),
  },
  'gemini-3-pro-image': {
    ...GEMINI_CAPABILITY,
    sizes: geminiSizes(TEN_SHAPES),
    prices: { per: 'token', textIn: 2, imageIn: 2, textOut: 12, imageOut: 120 },
    tokens: byResolution({ '1K': 1120, '2K': 1120, '4K': 2000 }),
  },
  'gemini-3.1-flash-lite-image': {
    ...GEMINI_CAPABILITY,
    sizes: geminiSizes(FOURTEEN_SHAPES, ['1K']),
    prices: { per: 'token', textIn: 0.25, imageIn: 0.25, textOut: 1.5, imageOut: 30 },
    tokens: byResolution({ '1K': 1120 }),
  },
  'gemini-3.1-flash-image': {
    ...GEMINI_CAPABILITY,
    sizes: geminiSizes(FOURTEEN_SHAPES, ['512', '1K', '2K', '4K']),
    prices: { per: 'token', textIn: 0.5, imageIn: 0.5, textOut: 3, imageOut: 60 },
    tokens: byResolution({ '512': 747, '1K': 1120, '2K': 1680, '4K': 2520 }),
  },
  'gemini-2.5-flash-image': {
    ...GEMINI_CAPABILITY,
    sizes: geminiSizes(TEN_SHAPES, ['1K']),
    prices: { per: 'token', textIn: 0.3, imageIn: 0.3, textOut: 2.5, imageOut: 30 },
    tokens: byResolution({ '1K': 1290 }),
  },
}

/** The successors of Google's models that were shut down, and of old previews (protocols §3.1, §3.6). */
export const GEMINI_RETIRED: Readonly<Record<string, string>> = {
  'gemini-2.0-flash-exp-image-generation': 'gemini-2.5-flash-image',
  'gemini-2.0-flash-preview-image-generation': 'gemini-2.5-flash-image',
  'gemini-2.5-flash-image-preview': 'gemini-2.5-flash-image',
  'gemini-2.5-flash-image': 'gemini-nano-banana-2.1',
  'gemini-3.1-flash-image-preview': 'gemini-3.1-flash-image',
  'gemini-3.1-flash-image': 'gemini-nano-banana-2.1',
  'gemini-3-pro-image-preview': 'gemini-3-pro-image',
  'nano-banana-pro-preview': 'gemini-3-pro-image',
  'imagegeneration@006': 'imagen-3.0-generate-002',
  'imagen-3.0-capability-001': 'imagen-3.0-generate-002',
  'imagen-3.0-fast-generate-001': 'imagen-4.0-fast-generate-001',
  'imagen-3.0-generate-001': 'imagen-3.0-generate-002',
  'imagen-3.0-generate-002': 'imagen-4.0-generate-001',
  'imagen-4.0-fast-generate-001': 'gemini-nano-banana-2.1',
  'imagen-4.0-generate-001': 'gemini-nano-banana-2.1',
  'imagen-4.0-ultra-generate-001': 'gemini-3-pro-image',
}
