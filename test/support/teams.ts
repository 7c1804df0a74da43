import { env } from 'cloudflare:workers'
import { knock, post } from './gateway'

const ADMIN_TOKEN = 'admin-token-of-the-tests'

/** Calls the admin API as the operator does. */
export const operate = (method: string, path: string, body?: unknown, token = ADMIN_TOKEN): Promise<Response> =>
  knock(`/admin/api${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

/** A key as its creation shows it. */
export interface IssuedKey {
  id: string
  key: string
}

export interface TestTeam extends IssuedKey {
  team: string
}

/** A new team with one key, made through the admin API. */
export async function team(id: string, limits: Record<string, unknown> = {}, plan?: string): Promise<TestTeam> {
  const made = await operate('POST', '/teams', { id, limits, ...(plan ? { plan } : {}) })
  if (made.status !== 201) throw new Error(`the team was not made: ${await made.text()}`)
  return { ...(await issue(id)), team: id }
}

/** One more key of a team. */
export async function issue(id: string, facts: Record<string, unknown> = {}): Promise<IssuedKey> {
  const issued = await operate('POST', `/teams/${id}/keys`, { name: 'test', ...facts })
  if (issued.status !== 201) throw new Error(`the key was not issued: ${await issued.text()}`)
  return await issued.json<IssuedKey>()
}

/** The picture of most tests. */
export const CAT = { model: 'gpt-image-2', prompt: 'A cat', quality: 'low', size: '1024x1024', response_format: 'url' }

/** Requests a picture with a key, without an SDK. */
export const ask = (
  key: string,
  body: Record<string, unknown> = {},
  headers?: Record<string, string>,
): Promise<Response> =>
  post('/v1/images/generations', { ...CAT, ...body }, { authorization: `Bearer ${key}`, ...headers })

/** Makes another request with a key. */
export const visit = (key: string, path: string, method = 'GET'): Promise<Response> =>
  knock(path, { method, headers: { authorization: `Bearer ${key}` } })

/** A team, its generation, and the links of that. */
export interface Pictured extends TestTeam {
  id: string
  links: string[]
  cost: number
}

/** A team with a picture, or several. */
export async function withPictures(n: number): Promise<Pictured> {
  const acme = await team('acme')
  const response = await ask(acme.key, { n })
  const { data } = await response.json<{ data: { url: string }[] }>()
  return {
    ...acme,
    id: response.headers.get('x-generation-id') ?? '',
    links: data.map(({ url }) => url),
    cost: Number(response.headers.get('x-cost-usd')),
  }
}

/** The number of pictures in the bucket. */
export const stored = async (): Promise<number> => (await env.IMAGES.list({ prefix: 'images/' })).objects.length
