import { exports } from 'cloudflare:workers'
import { type ClientOptions, OpenAI } from 'openai'

export const ORIGIN = 'https://darkroom.example.net'
export const KEY = 'sk-dr-default-tests'

/** Sends a request to the Worker's front door. */
export const knock = (path: string, init?: RequestInit): Promise<Response> =>
  exports.default.fetch(new Request(path.startsWith('/') ? ORIGIN + path : path, init))

/** The vendor's own client, with the gateway's URL and key. */
export function openai(options: ClientOptions = {}): OpenAI {
  return new OpenAI({
    apiKey: KEY,
    baseURL: `${ORIGIN}/v1`,
    maxRetries: 0,
    fetch: (input, init) => exports.default.fetch(new Request(input, init)),
    ...options,
  })
}

/** Posts JSON without an SDK. */
export const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  knock(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** Posts a form without an SDK. */
export const postForm = (
  path: string,
  parts: [string, string | File][],
  headers: Record<string, string> = {},
): Promise<Response> => {
  const form = new FormData()
  for (const [name, value] of parts) form.append(name, value)
  return knock(path, { method: 'POST', headers: { authorization: `Bearer ${KEY}`, ...headers }, body: form })
}

interface Envelope {
  error: { message: string; type: string; code: string | null; param: string | null }
}

/** A failure in the API's form, with its status. */
export async function errorOf(response: Response): Promise<Envelope['error'] & { status: number }> {
  const { error } = await response.json<Envelope>()
  return { status: response.status, ...error }
}
