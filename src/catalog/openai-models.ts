import type { Model, Shutdown } from './model'
import type { Prices } from './prices'
import { BASES_2, BASES_2_5, byFormula, byTable, SURCHARGE_2_6 } from './tokens'

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

/*
 * Prices of November 2026 (protocols §1.8). Cached input counts as other input, because the images API does not report
 * it separately.
 */
const PRICES_1 = { per: 'token', textIn: 5, imageIn: 10, textOut: 0, imageOut: 40 } as const satisfies Prices
const PRICES_1_MINI = { per: 'token', textIn: 2, imageIn: 2.5, textOut: 0, imageOut: 8 } as const satisfies Prices
const PRICES_1_5 = { per: 'token', textIn: 5, imageIn: 8, textOut: 10, imageOut: 32 } as const satisfies Prices
const PRICES_2 = { per: 'token', textIn: 5, imageIn: 8, textOut: 0, imageOut: 30 } as const satisfies Prices

const GPT_IMAGE_1_5 = {
  ...GPT_IMAGE,
  sizes: { kind: 'listed', sizes: ['1024x1024', '1024x1536', '1536x1024'] },
  inputFidelities: ['low', 'high'],
  prices: PRICES_1_5,
  tokens: byTable(),
} as const satisfies Model

/**
 * The published prices of gpt-image-1-mini are $0.0025 above its tokens, which equals this many input image tokens
 * (protocols §1.9). Constants from $.00232 to $.00258 give all nine prices.
 */
const MINI_SURPLUS_TOKENS = 1000

const GPT_IMAGE_2_5 = {
  ...GPT_IMAGE,
  sizes: { kind: 'free' },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  markup: true,
  tokens: byFormula(BASES_2_5),
} as const satisfies Model

const GPT_IMAGE_2_6 = {
  ...GPT_IMAGE_2_5,
  released: '2026-11-04',
  formats: ['png', 'webp', 'jpeg', 'gif', 'svg'],
  soleFormats: ['svg'],
  extras: ['complexity', 'frame_count', 'frame_duration_ms', 'svg'],
  prices: PRICES_2,
  tokens: byFormula(BASES_2_5, SURCHARGE_2_6),
} as const satisfies Model

/**
 * The successors are not assigned to the retired models (protocols §0), so the gateway chooses. The first replaces the
 * large models at the same price, the second the small one.
 */
const [LARGE, SMALL]: readonly [Shutdown, Shutdown] = [
  { date: '2026-12-01', successor: 'gpt-image-2.5-sunburst' },
  { date: '2026-12-01', successor: 'gpt-image-2.5-flare' },
]

/** OpenAI's image models (protocols §0, §1.1–1.3), and those shut down in 2026 that relays still serve. */
export const OPENAI_MODELS: Readonly<Record<string, Model>> = {
  'gpt-image-2': {
    ...GPT_IMAGE,
    released: '2026-04-21',
    sizes: { kind: 'free' },
    backgrounds: ['opaque', 'auto'],
    prices: PRICES_2,
    tokens: byFormula(BASES_2),
  },
  'gpt-image-2.5-sunburst': { ...GPT_IMAGE_2_5, released: '2026-09-08', prices: PRICES_2 },
  'gpt-image-2.5-flare': { ...GPT_IMAGE_2_5, released: '2026-09-08', prices: PRICES_2 },
  'gpt-image-2.6-sunburst': GPT_IMAGE_2_6,
  'gpt-image-2.6-flare': GPT_IMAGE_2_6,
  'gpt-image-1.5': { ...GPT_IMAGE_1_5, released: '2025-12-16', shutdown: LARGE },
  'gpt-image-1-mini': {
    ...GPT_IMAGE_1_5,
    inputFidelities: ['low'],
    prices: PRICES_1_MINI,
    tokens: byTable(MINI_SURPLUS_TOKENS),
    shutdown: SMALL,
  },
  'chatgpt-image-latest': { ...GPT_IMAGE_1_5, shutdown: LARGE },
  'gpt-image-1': { ...GPT_IMAGE_1_5, prices: PRICES_1 },
  'dall-e-2': {
    sizes: { kind: 'unknown' },
    prices: { per: 'image', each: { '256x256': 0.016, '512x512': 0.018, '1024x1024': 0.02 } },
  },
  'dall-e-3': {
    sizes: { kind: 'unknown' },
    prices: {
      per: 'image',
      each: { 'standard 1024x1024': 0.04, standard: 0.08, 'hd 1024x1024': 0.08, hd: 0.12 },
    },
  },
}

/**
 * The successors of OpenAI's models that were shut down (protocols §0). gpt-image-2 makes no transparent background, so
 * it succeeds only the model that had no such parameter.
 */
export const OPENAI_RETIRED: Readonly<Record<string, string>> = {
  'dall-e-2': 'gpt-image-2',
  'dall-e-3': 'gpt-image-2.5-sunburst',
  'gpt-image-1': 'gpt-image-2.5-sunburst',
  // Tutorials of relays ask for it (protocols §7.6). It was never a model.
  'gpt-image-1.5-pro': 'gpt-image-2.5-sunburst',
}
