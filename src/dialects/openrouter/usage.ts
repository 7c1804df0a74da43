import { inUsd } from '../../catalog/money'
import type { ImageRecord } from '../../image/record'
import { chatUsage } from '../openai/chat-usage'

const NO_TOKENS = { input: 0, output: 0, total: 0 }

/** Tokens and cost in USD (protocols §2.2); a model with a price per image has no tokens. */
export const openrouterUsage = ({ usage, cost }: ImageRecord): Record<string, unknown> | undefined =>
  usage || cost !== undefined
    ? { ...chatUsage(usage ?? NO_TOKENS), cost: cost === undefined ? undefined : inUsd(cost) }
    : undefined
