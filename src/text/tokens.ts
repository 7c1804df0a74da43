import type { Prices } from '../catalog/prices'
import { believed, type BelievedCharge } from '../catalog/quote'
import type { Usage } from '../image/record'
import type { TopLevel } from './top-level'

/** A low estimate: a token has fewer bytes only in languages that models hardly know. */
const BYTES_PER_TOKEN = 3
/** An image in full detail, or a few pages of a document. */
const TOKENS_PER_FILE = 4000
/** For a request without a limit. A charge is believed up to a multiple of the second. */
const [OUTPUT_TOKENS, BELIEVED_OUTPUT_TOKENS] = [4096, 50_000]

/** Models exceed neither; larger values in a request do not raise its quote. */
const MAX_OUTPUT_TOKENS = 1_000_000
export const MAX_CHOICES = 128

/**
 * The largest expected cost of a request, in whole micro-USD; undefined without a price per token.
 * The fields `outputLimits` limit its output. `written` is the known least number of output tokens.
 */
export function quoteOfTokens(
  { fields, textBytes, files }: TopLevel,
  outputLimits: readonly string[],
  prices: Prices | undefined,
  written = 0,
): number | undefined {
  const limits = outputLimits.map((field) => fields[field]).filter(isCount)
  const longest = limits.length > 0 ? Math.min(Math.max(...limits), MAX_OUTPUT_TOKENS) : OUTPUT_TOKENS
  const choices = isCount(fields['n']) ? Math.min(fields['n'], MAX_CHOICES) : 1
  const input = Math.ceil(textBytes / BYTES_PER_TOKEN) + files * TOKENS_PER_FILE
  const price = priceOfTokens({ input, output: Math.max(choices * longest, written) }, prices)
  return price === undefined ? undefined : Math.ceil(price)
}

/** The believed cost of used tokens, in whole micro-USD; undefined without a price per token. */
export function costOfTokens(
  usage: Usage,
  topLevel: TopLevel,
  outputLimits: readonly string[],
  prices: Prices | undefined,
): BelievedCharge {
  const price = priceOfTokens(usage, prices)
  const isLimited = outputLimits.some((field) => isCount(topLevel.fields[field]))
  const quoted = quoteOfTokens(topLevel, outputLimits, prices, isLimited ? 0 : BELIEVED_OUTPUT_TOKENS)
  return believed(price === undefined ? undefined : Math.round(price), quoted)
}

/** In micro-USD, rounded to 6 decimals against floating-point noise. */
const priceOfTokens = (
  { input, output }: Pick<Usage, 'input' | 'output'>,
  prices: Prices | undefined,
): number | undefined =>
  prices?.per === 'token' ? Number((input * prices.textIn + output * prices.textOut).toFixed(6)) : undefined

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0
