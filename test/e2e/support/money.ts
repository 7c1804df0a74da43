import type { Call } from '../../support/fake-openai.ts'
import { standing, usageOf } from './operator.ts'
import type { Served } from './served.ts'
import type { Upstream } from './upstream.ts'

/** An amount as the gateway tells it, in micro-USD. */
export const inMicroUsd = (usd: number): number => Math.round(usd * 1e6)

/** What gpt-image-2 costs for each token, in micro-USD (protocols §1.8). */
const PRICES = { input: 5, output: 30 }

/** An upstream's calls for prompts that begin like this. */
export const callsBeginning = async (upstream: Upstream, prompt: string): Promise<Call[]> =>
  (await upstream.calls()).filter(({ fields }) => String(fields['prompt']).startsWith(prompt))

/** What the answers of an upstream come to, in micro-USD. */
export const paid = (calls: readonly Call[]): number =>
  calls.reduce((sum, { tokens }) => sum + tokens.input * PRICES.input + tokens.output * PRICES.output, 0)

/** What a team has spent, in micro-USD, by everybody who keeps count of it. */
export interface Spent {
  usage: number
  budget: number
  audit: number
  upstream: number
}

/** Asks all of them; `calls` are those that were made for the team, which has a budget. */
export async function spent(
  { gateway, operator }: Served,
  team: string,
  key: string,
  calls: readonly Call[],
): Promise<Spent> {
  const { team_totals, limits } = await usageOf(gateway, key)
  const entries = await operator.audit(team)
  return {
    usage: inMicroUsd(team_totals.cost_usd),
    budget: inMicroUsd(standing(limits, 'budget_usd').used),
    audit: entries.reduce((sum, { cost_usd }) => sum + inMicroUsd(cost_usd ?? 0), 0),
    upstream: paid(calls),
  }
}

/** How many calls an upstream was answering at the same time, at most. */
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
