import type { Gateway } from './gateway.ts'

/** Limits as the admin API spells them. */
export type Limits = Record<string, number | string | string[] | null>

/** The status of a limit; a budget is in USD. */
export interface LimitStatus {
  limit: string
  scope: 'team' | 'key'
  max: number
  used: number
  remaining: number
}

export interface Team {
  id: string
  limits: Limits
  standings: LimitStatus[]
}

/** A key at its issue. */
export interface IssuedKey {
  id: string
  key: string
}

/** A generation in the audit. */
export interface Entry {
  /** The id of the generation, the same for all of its runs. */
  id: string
  run: string
  prompt: string
  status: 'running' | 'succeeded' | 'failed' | 'expired'
  error: string | null
  attempts: number
  images: string[]
  cost_usd: number | null
  /** The part of the cost that is an estimate. */
  estimated_usd: number
  reserved_usd: number
}

interface Page<Row> {
  data: Row[]
  next_cursor: string | null
}

/** The delivery of an event to a webhook. */
export interface Delivery {
  id: string
  generation: string
  type: string
  url: string
  status: 'pending' | 'delivered' | 'failed'
  attempts: number
  last_status: number | null
  last_error: string | null
}

/** The usage of a key and of its team. */
export interface Usage {
  team: { id: string }
  limits: LimitStatus[]
  totals: Totals
  team_totals: Totals
}

interface Totals {
  requests: number
  hits: number
  joins: number
  generations: number
  failures: number
  images: number
  cost_usd: number
  cost_credits?: number
  saved_usd: number
  unpriced: number
}

/** A client of the admin API. */
export class Operator {
  readonly #origin: string
  readonly #token: string

  constructor({ baseUrl, adminToken }: Gateway) {
    this.#origin = new URL(baseUrl).origin
    this.#token = adminToken
  }

  send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#origin}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  /** Creates a team and returns its one key. */
  async team(id: string, limits: Limits = {}, plan = 'unlimited'): Promise<string> {
    await this.#done('POST', '/teams', { id, plan, limits })
    return (await this.issueKey(id)).key
  }

  async issueKey(team: string, facts: Record<string, unknown> = {}): Promise<IssuedKey> {
    return JSON.parse(await this.#done('POST', `/teams/${team}/keys`, { name: 'test', ...facts }))
  }

  async revokeKey(team: string, id: string): Promise<void> {
    await this.#done('DELETE', `/teams/${team}/keys/${id}`)
  }

  async setLimits(team: string, limits: Limits): Promise<void> {
    await this.#done('PATCH', `/teams/${team}`, { limits })
  }

  /** Puts resting or disabled upstreams back. */
  async putBack(...upstreams: string[]): Promise<void> {
    for (const upstream of upstreams) await this.#done('PATCH', `/upstreams/${upstream}`, { enabled: true })
  }

  async deleteTeam(team: string): Promise<void> {
    await this.#done('DELETE', `/teams/${team}`)
  }

  async teamIds(): Promise<string[]> {
    const { data }: { data: { id: string }[] } = JSON.parse(await this.#done('GET', '/teams'))
    return data.map(({ id }) => id)
  }

  async read(team: string): Promise<Team> {
    return JSON.parse(await this.#done('GET', `/teams/${team}`))
  }

  /** All paid generations of a team, the newest first. */
  async audit(team: string): Promise<Entry[]> {
    const entries: Entry[] = []
    let cursor = ''
    do {
      const page: Page<Entry> = JSON.parse(await this.#done('GET', `/audit?team=${team}&limit=1000${cursor}`))
      entries.push(...page.data)
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
    } while (cursor !== '')
    return entries
  }

  /** The signing secret of a team's events. */
  async webhookSecret(team: string): Promise<string> {
    const { secret }: { secret: string } = JSON.parse(await this.#done('GET', `/teams/${team}/webhook`))
    return secret
  }

  async setWebhook(team: string, url: string): Promise<void> {
    await this.#done('PUT', `/teams/${team}/webhook`, { url })
  }

  /** The newest first. */
  async deliveries(team: string): Promise<Delivery[]> {
    const { data }: { data: Delivery[] } = JSON.parse(await this.#done('GET', `/teams/${team}/webhook/deliveries`))
    return data
  }

  /** Repeats a delivery. */
  async redeliver(team: string, event: string): Promise<void> {
    await this.#done('POST', `/teams/${team}/webhook/deliveries/${event}/redeliver`)
  }

  async #done(method: string, path: string, body?: unknown): Promise<string> {
    const response = await this.send(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
    return text
  }
}

/** Reads `/v1/usage` with a key. */
export async function usageOf({ baseUrl }: Gateway, key: string): Promise<Usage> {
  const response = await fetch(`${baseUrl}/usage`, { headers: { authorization: `Bearer ${key}` } })
  const text = await response.text()
  if (!response.ok) throw new Error(`the usage was not told: ${text}`)
  return JSON.parse(text)
}

/** Finds the status of one limit. Throws if there is none. */
export function limitStatus(
  all: readonly LimitStatus[],
  limit: string,
  scope: LimitStatus['scope'] = 'team',
): LimitStatus {
  const found = all.find((each) => each.limit === limit && each.scope === scope)
  if (!found) throw new Error(`the ${scope} has no limit ${limit}`)
  return found
}
