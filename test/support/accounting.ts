import { knock } from './gateway'
import { operate } from './teams'

/** A generation in the audit, with the fields that tests read. */
export interface Audited {
  id: string
  run: string
  request_id: string
  key: string
  model: string
  status: string
  error: string | null
  prompt: string
  n: number
  operation: string
  images: string[]
  attempts: number
  upstream: string | null
  upstream_request_id: string | null
  organization: string | null
  input_tokens: number | null
  output_tokens: number | null
  cost_usd: number | null
  estimated_usd: number
  reserved_usd: number
  quote_error_usd: number | null
}

/** The common fields of usage rows and totals. */
export interface Sums {
  hits: number
  joins: number
  generations: number
  failures: number
  images: number
  unpriced: number
  cost_usd: number
  estimated_usd: number
  saved_usd: number
}

export interface LimitStatusJson {
  limit: string
  scope: string
  used: number
  remaining: number
}

/** An amount in whole micro-USD. */
export const micro = (usd: number | null | undefined): number => Math.round((usd ?? 0) * 1e6)

export const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)

/** Every audited generation of a team, the newest first, page by page. */
export async function audit(team: string, limit = 1000): Promise<Audited[]> {
  const rows: Audited[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: string = cursor ? `&cursor=${cursor}` : ''
    const response = await operate('GET', `/audit?team=${team}&limit=${limit}${from}`)
    const page = await response.json<{ data: Audited[]; next_cursor: string | null }>()
    rows.push(...page.data)
    cursor = page.next_cursor
  }
  return rows
}

/** The usage rows of a team. */
export async function usageRows(team: string): Promise<Sums[]> {
  const response = await operate('GET', `/usage?team=${team}`)
  return (await response.json<{ data: Sums[] }>()).data
}

/** The usage in the answer to a key. */
export async function ownUsage(key: string): Promise<{ totals: Sums; team_totals: Sums }> {
  const response = await knock('/v1/usage', { headers: { authorization: `Bearer ${key}` } })
  return await response.json<{ totals: Sums; team_totals: Sums }>()
}

/** The state of a team's limit; a budget is in USD. */
export async function limitStatus(team: string, limit: string): Promise<LimitStatusJson> {
  const response = await operate('GET', `/teams/${team}`)
  const { standings } = await response.json<{ standings: LimitStatusJson[] }>()
  const found = standings.find((each) => each.limit === limit)
  if (!found) throw new Error(`the team has no limit '${limit}'`)
  return found
}

/** The used part of a team's budget, spent or held, in micro-USD. */
export const used = async (team: string): Promise<number> => micro((await limitStatus(team, 'budget_usd')).used)

/** Requests pictures with a team's key. */
export const generate = (
  key: string,
  prompt: string,
  more: Record<string, unknown> = {},
  { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> =>
  knock('/v1/images/generations', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...ASKED, prompt, ...more }),
    ...(signal ? { signal } : {}),
  })

const ASKED = { model: 'gpt-image-2', quality: 'low', size: '1024x1024', response_format: 'url' }
