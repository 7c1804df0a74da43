import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Team } from '../../src/team/team'

type Verb = 'reserve' | 'settle' | 'webhook' | 'withdraw'

/** Holds the calls of one method of a team; returns their number and a function that lets them go on. */
export function holdTeam(held: Verb): { asked: () => number; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  let asked = 0
  const late = (stub: DurableObjectStub<Team>): DurableObjectStub<Team> =>
    new Proxy(stub, {
      get: (_, verb) => {
        if (verb !== held) return Reflect.get(stub, verb)
        return async (...said: unknown[]): Promise<unknown> => {
          asked += 1
          await released
          return await Reflect.apply(Reflect.get(stub, verb), stub, said)
        }
      },
    })
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => late(getByName(name)))
  return { asked: () => asked, release }
}

/** The ids of the generations with a call from now on. */
export function watchGenerations(): string[] {
  const ids: string[] = []
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    ids.push(name)
    return getByName(name)
  })
  return ids
}
