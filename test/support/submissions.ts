import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Passes each job on its way to its generation through `handle`, with its number from 1. */
export function interceptSubmissions(handle: (send: () => Promise<unknown>, number: number) => Promise<unknown>): void {
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  let submissions = 0
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const submit = (...order: Parameters<typeof stub.submit>): Promise<unknown> =>
      handle(async () => await stub.submit(...order), ++submissions)
    return new Proxy(stub, { get: (_, verb) => (verb === 'submit' ? submit : Reflect.get(stub, verb)) })
  })
}

/** Delays the first job on its way to its generation. Returns whether it waits, and a function that releases it. */
export function holdSubmission(): { isHeld: () => boolean; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let isHeld = false
  interceptSubmissions(async (send, number) => {
    isHeld = true
    if (number === 1) await released
    return await send()
  })
  return { isHeld: () => isHeld, release }
}
