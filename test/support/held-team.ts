import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Team } from '../../src/team/team'

type Verb = 'admit' | 'reserve' | 'settle' | 'webhook' | 'withdraw'

/**
 * Holds the calls of one method of a team, and counts them. `end` lets later calls pass; `release` lets all go on, and
 * `arrived` waits for the held ones.
 */
export function holdTeam(held: Verb): {
  asked: () => number
  end: () => void
  release: () => void
  arrived: () => Promise<unknown>
} {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  const calls: Promise<unknown>[] = []
  const late = (stub: DurableObjectStub<Team>): DurableObjectStub<Team> =>
    new Proxy(stub, {
      get: (_, verb) => {
        if (verb !== held) return Reflect.get(stub, verb)
        return (...said: unknown[]): Promise<unknown> => {
          const call = released.then(() => Reflect.apply(Reflect.get(stub, verb), stub, said))
          calls.push(call)
          return call
        }
      },
    })
  const spy = vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => late(getByName(name)))
  return {
    asked: () => calls.length,
    end: () => spy.mockRestore(),
    release,
    arrived: () => Promise.allSettled(calls),
  }
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
