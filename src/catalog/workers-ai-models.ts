import type { Model } from './model'
import { PROMPT_ONLY } from './prompt-only'
import type { TilePrices } from './prices'
import type { Sizes } from './sizes'

const CLOUDFLARE_FLUX_2 = {
  ...PROMPT_ONLY,
  sizes: { kind: 'range', min: 256, max: 1920, auto: '1024x768' },
  // Users report JPEG. The documentation has no format.
  formats: ['jpeg'],
  maxInputs: 4,
  extras: ['seed', 'guidance'],
} as const satisfies Model

const STABLE_DIFFUSION: Model = {
  ...PROMPT_ONLY,
  sizes: { kind: 'range', min: 256, max: 2048, auto: '1024x1024' },
  formats: ['png'],
  maxInputs: 1,
  extras: ['negative_prompt', 'steps', 'strength', 'guidance', 'seed'],
}

const anyUpTo = (max: number, auto: string): Sizes => ({ kind: 'range', min: 1, max, auto })

const ONCE = { per: 'tile', inputTile: 0, tilesCount: 'once' } as const satisfies Partial<TilePrices>

/** Cloudflare's image models, with prices in USD (protocols §4). */
export const WORKERS_AI_MODELS: Readonly<Record<string, Model>> = {
  '@cf/black-forest-labs/flux-1-schnell': {
    ...PROMPT_ONLY,
    sizes: { kind: 'listed', sizes: ['1024x1024'] },
    formats: ['jpeg'],
    extras: ['steps'],
    prices: { ...ONCE, tile: 0.000_052_8, step: 0.000_105_6, steps: 4 },
  },
  '@cf/black-forest-labs/flux-2-dev': {
    ...CLOUDFLARE_FLUX_2,
    extras: ['seed', 'guidance', 'steps'],
    // A guess: the default number of steps is not documented.
    prices: { per: 'tile', tile: 0.000_825, inputTile: 0.000_413, step: 0, tilesCount: 'each step', steps: 25 },
  },
  '@cf/black-forest-labs/flux-2-klein-4b': {
    ...CLOUDFLARE_FLUX_2,
    prices: { ...ONCE, tile: 0.000_287, inputTile: 0.000_059, step: 0, steps: 4 },
  },
  '@cf/black-forest-labs/flux-2-klein-9b': {
    ...CLOUDFLARE_FLUX_2,
    prices: { per: 'megapixel', first: 0.015, further: 0.002, input: 0.002 },
  },
  '@cf/leonardo/lucid-origin': {
    ...PROMPT_ONLY,
    sizes: anyUpTo(2500, '1120x1120'),
    // Users report JPEG here too.
    formats: ['jpeg'],
    extras: ['guidance', 'seed', 'steps'],
    // The largest number of steps. The default is not documented.
    prices: { ...ONCE, tile: 0.007, step: 0.000_132, steps: 40 },
  },
  '@cf/leonardo/phoenix-1.0': {
    ...PROMPT_ONLY,
    sizes: anyUpTo(2048, '1024x1024'),
    formats: ['jpeg'],
    extras: ['guidance', 'seed', 'steps', 'negative_prompt'],
    prices: { ...ONCE, tile: 0.0058, step: 0.000_11, steps: 25 },
  },
  '@cf/stabilityai/stable-diffusion-xl-base-1.0': STABLE_DIFFUSION,
  '@cf/bytedance/stable-diffusion-xl-lightning': STABLE_DIFFUSION,
  '@cf/lykon/dreamshaper-8-lcm': STABLE_DIFFUSION,
  // All of these models have the parameter, but only this one uses a mask. White is the part to edit.
  '@cf/runwayml/stable-diffusion-v1-5-inpainting': { ...STABLE_DIFFUSION, mask: true },
}
