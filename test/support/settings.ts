import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src'
import { ORIGIN } from './gateway'
import { CAT } from './teams'

let current: Env = { ...env }

/** The bindings and settings that the gateway under test runs with: those of `vitest.config.ts`, changed by the file. */
export const environment = (): Env => current

/** Runs the gateway with other settings than those of `vitest.config.ts`, for all the tests of a file. */
export function settings(changed: Record<string, unknown>): void {
  current = { ...current, ...changed }
}

/** Runs the gateway as an isolate that has answered nothing yet: it remembers by its bindings. */
export function newIsolate(): void {
  current = { ...current }
}

/** Runs the gateway with the settings of `vitest.config.ts` again. */
export function originalSettings(): void {
  current = { ...env }
}

/** Adds upstreams to those of `vitest.config.ts`, for all the tests of a file. */
export function addUpstreams(more: readonly unknown[]): void {
  const set: Record<string, unknown> = { ...current }
  const before: unknown = JSON.parse(String(set['UPSTREAMS']))
  settings({ UPSTREAMS: JSON.stringify([before, more].flat()) })
}

/** Requests a picture from a Worker with other settings than those of `vitest.config.ts`. */
export async function askWith(
  changed: Record<string, unknown>,
  key: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const request = new Request(`${ORIGIN}/v1/images/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...CAT, ...body }),
  })
  const ctx = createExecutionContext()
  const response = await worker.fetch(request, { ...current, ...changed }, ctx)
  const text = await response.text()
  return new Response(text, response)
}
