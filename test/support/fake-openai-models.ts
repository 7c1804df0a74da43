/** The upstream's rules for a model; a missing list allows any value, as a lenient relay does. */
export interface ModelRules {
  /** `free`: any size within OpenAI's bounds. */
  sizes?: 'free' | readonly string[]
  qualities?: readonly string[]
  formats?: readonly string[]
  /** Whether a transparent background can be made. */
  transparent: boolean
  /** `input_fidelity` on edits: accepted, unknown, or refused as unsupported by this model. */
  fidelity: 'taken' | 'unknown' | 'unsupported'
  /** Parameters of some models only. */
  extras: readonly string[]
  /** The count of output tokens: by the fixed table, or by the formula with these bases. */
  tokens: 'table' | Record<string, number>
}

const QUALITIES = ['low', 'medium', 'high', 'auto']
const FORMATS = ['png', 'webp', 'jpeg']

const GPT_IMAGE_1_5: ModelRules = {
  sizes: ['1024x1024', '1024x1536', '1536x1024', 'auto'],
  qualities: QUALITIES,
  formats: FORMATS,
  transparent: true,
  fidelity: 'taken',
  extras: [],
  tokens: 'table',
}

const GPT_IMAGE_2: ModelRules = {
  sizes: 'free',
  qualities: QUALITIES,
  formats: FORMATS,
  transparent: false,
  fidelity: 'unsupported',
  extras: [],
  tokens: { low: 16, medium: 48, high: 96 },
}

const GPT_IMAGE_2_5: ModelRules = {
  ...GPT_IMAGE_2,
  qualities: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'],
  transparent: true,
  extras: ['markup'],
  tokens: { low: 16, medium: 24, high: 48, xhigh: 64, max: 96 },
}

const GPT_IMAGE_2_6: ModelRules = {
  ...GPT_IMAGE_2_5,
  formats: [...FORMATS, 'gif', 'svg'],
  extras: ['markup', 'complexity', 'frame_count', 'frame_duration_ms', 'svg'],
}

/** Parameters that relays pass on to models of other makers. */
const KNOBS = ['seed', 'negative_prompt', 'steps', 'guidance', 'strength']

const RELAY: ModelRules = {
  transparent: true,
  fidelity: 'taken',
  extras: ['response_format', 'style', 'markup', 'complexity', ...KNOBS],
  tokens: { low: 16, medium: 48, high: 96 },
}

const MODELS: Record<string, ModelRules> = {
  'gpt-image-2': GPT_IMAGE_2,
  'gpt-image-2.5-sunburst': GPT_IMAGE_2_5,
  'gpt-image-2.5-flare': GPT_IMAGE_2_5,
  'gpt-image-2.6-sunburst': GPT_IMAGE_2_6,
  'gpt-image-2.6-flare': GPT_IMAGE_2_6,
  'gpt-image-1.5': GPT_IMAGE_1_5,
  'gpt-image-1-mini': { ...GPT_IMAGE_1_5, fidelity: 'unknown' },
  'chatgpt-image-latest': GPT_IMAGE_1_5,
}

/** The rules of a live model, a dated snapshot, or a relay's own (`relay-…`); undefined for an unknown model. */
export function rulesOf(model: string): ModelRules | undefined {
  if (model.startsWith('relay-')) return RELAY
  const name = model.replace(/-\d{4}-\d{2}-\d{2}$/, '')
  return Object.hasOwn(MODELS, name) ? MODELS[name] : undefined
}

const TABLE: Record<string, { square: number; portrait: number; landscape: number }> = {
  low: { square: 272, portrait: 408, landscape: 400 },
  medium: { square: 1056, portrait: 1584, landscape: 1568 },
  high: { square: 4160, portrait: 6240, landscape: 6208 },
}

/**
 * The image tokens of one picture (protocols §1.9). An unknown size or quality of a relay counts as 1024x1024 and low.
 */
export function imageTokens({ tokens }: ModelRules, quality: string, size: string): number {
  const [, digitsWide = '1024', digitsHigh = '1024'] = /^(\d+)x(\d+)$/.exec(size) ?? []
  const [width, height] = [Number(digitsWide), Number(digitsHigh)]
  if (tokens === 'table') {
    const row = TABLE[quality] ?? { square: 272, portrait: 408, landscape: 400 }
    return width === height ? row.square : width < height ? row.portrait : row.landscape
  }
  const base = tokens[quality] ?? 16
  const short = roundHalfToEven(base / (Math.max(width, height) / Math.min(width, height)))
  return Math.ceil((base * short * (2_000_000 + width * height)) / 4_000_000)
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
