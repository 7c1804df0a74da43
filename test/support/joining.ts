import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Sends so many requests for a running generation; resolves after the last of them has joined. */
export async function joined<T>(start: () => T, count = 1): Promise<{ begun: T }> {
  const asked = vi.spyOn(env.GENERATIONS, 'getByName')
  const begun = start()
  await vi.waitUntil(() => asked.mock.calls.length === count)
  const [name = ''] = asked.mock.lastCall ?? []
  asked.mockRestore()
  // An object answers in the order of its calls.
  await env.GENERATIONS.getByName(name).see('nobody')
  return { begun }
}
