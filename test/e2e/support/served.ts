import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type Gateway, sendingTo, startGateway } from './gateway.ts'
import { Operator } from './operator.ts'
import { type Upstream, startUpstream } from './upstream.ts'

/** A gateway, the upstream that it sends to, and its operator. */
export interface Served {
  upstream: Upstream
  gateway: Gateway
  operator: Operator
}

/** Models of some clients outside the patterns of the upstream. */
const NAMED = ['gpt-image-1.5', 'gemini-3-pro-image=relay-1', 'gemini-nano-banana-2.1=relay-1']

/** One for each set of settings, shared by all test files of this process; its end ends them. */
const running = new Map<string, Promise<Served>>()

/**
 * Starts both for the tests of a file, or takes those of an earlier file with the same settings. `variables` are the
 * gateway's besides its upstreams, and `models` the upstream's besides the usual ones.
 */
export function served(variables: Record<string, string> = {}, models: readonly string[] = []): Served {
  return forTests(async () => {
    const settings = JSON.stringify([variables, models])
    const starting = running.get(settings) ?? start(variables, models)
    running.set(settings, starting)
    const found = await starting
    await found.upstream.forget()
    return found
  })
}

/** The same for a file that needs storage of its own. */
export function servedAlone(): Served {
  const alone = forTests(() => start({}, []))
  afterAll(async () => {
    await alone.gateway.stop()
    await alone.upstream.stop()
  })
  return alone
}

function forTests(start: () => Promise<Served>): Served {
  let found: Served | undefined
  beforeAll(async () => {
    found = await start()
  })
  // A test that fails an upstream leaves it resting.
  beforeEach(async () => await found?.operator.putBack('fake', 'impatient'))
  const started = (): Served => {
    if (!found) throw new Error('the gateway is started by the first hook of the file')
    return found
  }
  return {
    get upstream() {
      return started().upstream
    },
    get gateway() {
      return started().gateway
    },
    get operator() {
      return started().operator
    },
  }
}

async function start(variables: Record<string, string>, models: readonly string[]): Promise<Served> {
  const upstream = await startUpstream()
  const gateway = await startGateway({ ...sendingTo(upstream.origin, [...NAMED, ...models]), ...variables })
  return { upstream, gateway, operator: new Operator(gateway) }
}
