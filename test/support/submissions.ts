import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Delays the first job on its way to its generation. Returns whether it waits, and a function that releases it. */
export function holdSubmission(): { isHeld: () => boolean; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  let submissions = 0
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const submit = async (...order: Parameters<typeof stub.submit>): Promise<unknown> => {
      submissions += 1
      if (submissions === 1) await released
      return await stub.submit(...order)
    }
    return new Proxy(stub, { get: (_, verb) => (verb === 'submit' ? submit : Reflect.get(stub, verb)) })
  })
  return { isHeld: () => submissions > 0, release }
}
