import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type Gateway, sendingTo, startGateway } from './gateway.ts'
import { Operator } from './operator.ts'
import { type Upstream, startUpstream } from './upstream.ts'

/** A gateway, the upstream that it sends to, and whoever runs it. */
export interface Served {
  upstream: Upstream
  gateway: Gateway
  operator: Operator
}

/**
 * Starts both for the tests of a file, which find them in what is given back, and ends them after the last; `variables`
 * are the gateway's besides those that send it to the upstream, and `models` what that serves besides the usual ones.
 */
export function served(variables: Record<string, string> = {}, models: readonly string[] = []): Served {
  const running: Partial<Served> = {}
  beforeAll(async () => {
    running.upstream = await startUpstream()
    running.gateway = await startGateway({ ...sendingTo(running.upstream.origin, models), ...variables })
    running.operator = await Operator.of(running.gateway)
  })
  // What one test has done to the upstream's health is nothing to the next.
  beforeEach(async () => await running.operator?.putBack('fake', 'impatient'))
  afterAll(async () => {
    await running.gateway?.stop()
    await running.upstream?.stop()
  })
  const started = <Name extends keyof Served>(name: Name): Served[Name] => {
    const found: Partial<Served>[Name] = running[name]
    if (!found) throw new Error(`the ${name} has not been started`)
    return found
  }
  return {
    get upstream() {
      return started('upstream')
    },
    get gateway() {
      return started('gateway')
    },
    get operator() {
      return started('operator')
    },
  }
}
