import { afterAll } from 'vitest'
import { type Gateway, sendingTo, startGateway } from './gateway.ts'
import { Operator } from './operator.ts'
import type { Served } from './served.ts'
import { startUpstream } from './upstream.ts'

interface Stoppable {
  stop: () => Promise<void>
}

/** Helpers of a file to kill gateways. */
export interface Crashes {
  /** Stops `one` after the last test. */
  ending: <One extends Stoppable>(one: One) => One
  /** Starts a gateway for one test to kill, with an upstream that outlives it. */
  start: () => Promise<Served>
  /** Sends SIGKILL to a gateway and starts another with its storage, until the last test. */
  crash: (gateway: Gateway, upstream: { origin: string }) => Promise<Gateway>
}

export function crashes(): Crashes {
  const started: Stoppable[] = []
  const ending = <One extends Stoppable>(one: One): One => (started.push(one), one)
  afterAll(async () => {
    await Promise.all(started.map((each) => each.stop()))
  })
  return {
    ending,
    start: async () => {
      const upstream = ending(await startUpstream())
      const gateway = await startGateway(sendingTo(upstream.origin))
      return { upstream, gateway, operator: new Operator(gateway) }
    },
    crash: async (gateway, { origin }) => {
      await gateway.kill()
      return ending(await startGateway(sendingTo(origin), gateway.storage))
    },
  }
}
