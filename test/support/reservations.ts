import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

/** Holds the reservations of all teams; returns their number and a function that lets them go on. */
export function holdReservations(): { waiting: () => number; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  let waiting = 0
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const reserve = async (...order: Parameters<typeof stub.reserve>): Promise<unknown> => {
      waiting += 1
      await released
      return await stub.reserve(...order)
    }
    return new Proxy(stub, { get: (_, verb) => (verb === 'reserve' ? reserve : Reflect.get(stub, verb)) })
  })
  return { waiting: () => waiting, release }
}
