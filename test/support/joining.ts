import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Has so many ask for what a generation is making already, and waits until the last of them has arrived there. */
export async function joined<T>(start: () => T, count = 1): Promise<{ begun: T }> {
  const asked = vi.spyOn(env.GENERATIONS, 'getByName')
  const begun = start()
  await vi.waitUntil(() => asked.mock.calls.length === count)
  const [name = ''] = asked.mock.lastCall ?? []
  asked.mockRestore()
  // An object answers in the order in which it is asked.
  await env.GENERATIONS.getByName(name).see('nobody')
  return { begun }
}
