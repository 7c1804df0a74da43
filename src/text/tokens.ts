import type { Prices } from '../catalog/prices'
import type { Usage } from '../image/record'
import type { TopLevel } from './top-level'

/** Fewer make a token only where texts are in languages that models hardly know. */
const BYTES_PER_TOKEN = 3
/** What a picture comes to in full detail, and a few pages of a document. */
const TOKENS_PER_FILE = 4000
/** Where the request sets no limit. */
const OUTPUT_TOKENS = 4096

/** No model writes more, nor as many answers at once: what a client merely says is no amount of money. */
const [MAX_OUTPUT_TOKENS, MAX_CHOICES] = [1_000_000, 128]

/**
 * What a request is expected to cost at most, in whole micro-USD; undefined where no price per token is known. The
 * fields `limitedBy` limit its output; `written` are tokens of that which are known to have come.
 */
export function quoteOf(
  { fields, textBytes, files }: TopLevel,
  limitedBy: readonly string[],
  prices: Prices | undefined,
  written = 0,
): number | undefined {
  const limits = limitedBy.map((field) => fields[field]).filter(isCount)
  const longest = limits.length > 0 ? Math.min(Math.max(...limits), MAX_OUTPUT_TOKENS) : OUTPUT_TOKENS
  const choices = isCount(fields['n']) ? Math.min(fields['n'], MAX_CHOICES) : 1
  const input = Math.ceil(textBytes / BYTES_PER_TOKEN) + files * TOKENS_PER_FILE
  const price = priceOf({ input, output: Math.max(choices * longest, written) }, prices)
  return price === undefined ? undefined : Math.ceil(price)
}

/** What so many tokens have cost, likewise. */
export function costOf(usage: Usage, prices: Prices | undefined): number | undefined {
  const price = priceOf(usage, prices)
  return price === undefined ? undefined : Math.round(price)
}

/** In micro-USD, without what floating point adds in the last digits. */
const priceOf = ({ input, output }: Pick<Usage, 'input' | 'output'>, prices: Prices | undefined): number | undefined =>
  prices?.per === 'token' ? Number((input * prices.textIn + output * prices.textOut).toFixed(6)) : undefined

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0
