import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Makes one method of the team objects fail, before or after its effect, as when their machine is gone. */
export function trouble(
  verb: 'reserve' | 'settle',
  times = Infinity,
  when: 'before' | 'after' = 'before',
): { failures: number } {
  const told = { failures: 0 }
  const real = env.TEAMS.getByName.bind(env.TEAMS)
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = real(name)
    return new Proxy(stub, {
      get: (_, property) => {
        if (property !== verb || told.failures >= times) return Reflect.get(stub, property, stub)
        return async (...args: unknown[]) => {
          told.failures += 1
          if (when === 'after') await Reflect.apply(Reflect.get(stub, verb, stub), stub, args)
          throw new Error('Network connection lost.')
        }
      },
    })
  })
  return told
}
