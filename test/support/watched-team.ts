import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** The methods of the team objects that the Worker and the objects call from now on, in order. */
export function watchTeams(): string[] {
  const called: string[] = []
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    return new Proxy(stub, {
      get: (_, method) => {
        if (typeof method === 'string') called.push(method)
        return Reflect.get(stub, method, stub)
      },
    })
  })
  return called
}
