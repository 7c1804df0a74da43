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

/** Models of which some client asks and that no pattern of the upstream stands for. */
const NAMED = ['gpt-image-1.5', 'gemini-3-pro-image=relay-1', 'gemini-nano-banana-2.1=relay-1']

/** One for each set of settings, for all test files that run in this process; its end ends them. */
const running = new Map<string, Promise<Served>>()

/**
 * Has both run for the tests of a file, which find them in the result; `variables` are the gateway's besides those that
 * send it to the upstream, and `models` those that the upstream serves besides the usual ones.
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

/** The same for a file whose tests need storage that no other file has written to. */
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
