import { expect, vi } from 'vitest'
import { ask } from './requests.ts'
import type { Gateway } from './gateway.ts'

/** A generation in the API's JSON, as far as tests read it. */
export interface Generation {
  id: string
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  error: { code: string; message: string | null } | null
  queued_before: number | null
  cost_usd: number | null
  images: { url: string }[]
  result?: { data: { b64_json: string }[] } | null
}

/** Submits a job. */
export async function submitJob(gateway: Gateway, key: string, body: Record<string, unknown>): Promise<Generation> {
  const response = await ask(gateway, { key, headers: { prefer: 'respond-async' }, body })
  const text = await response.text()
  expect([response.status, text]).toEqual([202, expect.any(String)])
  const generation: Generation = JSON.parse(text)
  expect(response.headers.get('location')).toBe(`/v1/generations/${generation.id}`)
  return generation
}

async function sent(gateway: Gateway, method: string, path: string, key: string): Promise<Generation> {
  const response = await fetch(`${gateway.baseUrl}/generations/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
  return JSON.parse(text)
}

export const readJob = (gateway: Gateway, key: string, id: string): Promise<Generation> => sent(gateway, 'GET', id, key)

export const cancelJob = (gateway: Gateway, key: string, id: string): Promise<Generation> =>
  sent(gateway, 'POST', `${id}/cancel`, key)

/** Waits for the end of generations, and returns each. */
export async function waitForEnd(gateway: Gateway, key: string, ids: readonly string[]): Promise<Generation[]> {
  const stands = (): Promise<Generation[]> => Promise.all(ids.map((id) => readJob(gateway, key, id)))
  return await vi.waitFor(
    async () => {
      const all = await stands()
      expect(all.filter(({ status }) => status === 'queued' || status === 'running')).toEqual([])
      return all
    },
    { timeout: 240_000, interval: 1000 },
  )
}
