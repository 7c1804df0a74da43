import type { Call } from '../../support/fake-openai.ts'
import { limitStatus, usageOf } from './operator.ts'
import type { Served } from './served.ts'
import type { Upstream } from './upstream.ts'

/** Converts USD to micro-USD. */
export const inMicroUsd = (usd: number): number => Math.round(usd * 1e6)

/** Micro-USD per token of gpt-image-2 (protocols §1.8). */
const PRICES = { input: 5, output: 30 }

/** An upstream's calls for prompts that begin like this. */
export const callsBeginning = async (upstream: Upstream, prompt: string): Promise<Call[]> =>
  (await upstream.calls()).filter(({ fields }) => String(fields['prompt']).startsWith(prompt))

/** The sum of an upstream's prices for its answers, in micro-USD. */
export const paid = (calls: readonly Call[]): number =>
  calls.reduce((sum, { tokens }) => sum + tokens.input * PRICES.input + tokens.output * PRICES.output, 0)

/** The tokens of a picture of low quality at 1024x1024. */
const LOW_TOKENS = 196

/** The quote of such a picture, in micro-USD, with a token for each byte of its prompt. */
export const quoteOf = (prompt: string): number => LOW_TOKENS * PRICES.output + prompt.length * PRICES.input

/** A team's spending in micro-USD, from each place that counts it. */
export interface Spending {
  usage: number
  budget: number
  audit: number
  upstream: number
}

/** Reads each place; `calls` are the team's calls of the upstream. The team needs a budget. */
export async function spendingOf(
  { gateway, operator }: Served,
  team: string,
  key: string,
  calls: readonly Call[],
): Promise<Spending> {
  const { team_totals, limits } = await usageOf(gateway, key)
  const entries = await operator.audit(team)
  return {
    usage: inMicroUsd(team_totals.cost_usd),
    budget: inMicroUsd(limitStatus(limits, 'budget_usd').used),
    audit: entries.reduce((sum, { cost_usd }) => sum + inMicroUsd(cost_usd ?? 0), 0),
    upstream: paid(calls),
  }
}

/** The highest number of simultaneous calls of an upstream. */
export function mostAtOnce(calls: readonly Call[]): number {
  const steps = calls.flatMap(({ at, endedAt = Infinity }) => [
    { at, by: 1 },
    { at: endedAt, by: -1 },
  ])
  let [now, most] = [0, 0]
  for (const { by } of steps.toSorted((a, b) => a.at - b.at || a.by - b.by)) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
