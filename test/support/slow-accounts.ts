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
