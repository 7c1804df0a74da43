import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Delays each reply of an account about a slot by a time in ms. */
export function slowReplies(delayMs: number): void {
  const real = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
  vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name) => {
    const stub = real(name)
    return new Proxy(stub, {
      get: (_, property) => {
        if (property !== 'enter') return Reflect.get(stub, property, stub)
        return async (...args: unknown[]) => {
          const reply: unknown = await Reflect.apply(Reflect.get(stub, 'enter', stub), stub, args)
          await new Promise((resolve) => setTimeout(resolve, delayMs))
          return reply
        }
      },
    })
  })
}

/** Holds the calls of one method of all accounts, and counts them, until `release`. */
export function holdAccounts(held: 'enter' | 'health'): { asked: () => number; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const real = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
  let asked = 0
  vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name) => {
    const stub = real(name)
    return new Proxy(stub, {
      get: (_, property) => {
        if (property !== held) return Reflect.get(stub, property, stub)
        return async (...args: unknown[]): Promise<unknown> => {
          asked += 1
          await released
          return await Reflect.apply(Reflect.get(stub, held, stub), stub, args)
        }
      },
    })
  })
  return { asked: () => asked, release }
}
