import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Makes one method of the team objects fail, before or after its effect, as when their machine is gone. */
export function trouble(
  verb: 'reserve' | 'settle' | 'find',
  times = Infinity,
  when: 'before' | 'after' = 'before',
): { failures: number; end: () => void } {
  const real = env.TEAMS.getByName.bind(env.TEAMS)
  const spy = vi.spyOn(env.TEAMS, 'getByName')
  const told = { failures: 0, end: (): void => spy.mockRestore() }
  spy.mockImplementation((name) => {
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
