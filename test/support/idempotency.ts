import { ask, type TestTeam } from './teams'

export const NO_STORE = { 'cache-control': 'no-store' }
export const NO_CACHE = { 'cache-control': 'no-cache' }

/** The outcome of a request with an Idempotency-Key. */
export interface Answered {
  status: number
  id: string | null
  cache: string | null
  replayed: string | null
  cost: string | null
  url: string | undefined
}

export async function answered(response: Response): Promise<Answered> {
  const { data } = await response.json<{ data?: { url: string }[] }>()
  const header = (name: string): string | null => response.headers.get(name)
  return {
    status: response.status,
    id: header('x-generation-id'),
    cache: header('x-cache'),
    replayed: header('idempotent-replayed'),
    cost: header('x-cost-usd'),
    url: data?.[0]?.url.split('?')[0],
  }
}

/** Sends a request with a key, `k1` by default. */
export const askAs =
  ({ key }: Pick<TestTeam, 'key'>) =>
  (body: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<Response> =>
    ask(key, body, { 'idempotency-key': 'k1', ...headers })
