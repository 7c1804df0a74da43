import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { dropLeases } from '../../src/http/admission-lease'
import { forgetAllHealths } from '../../src/upstreams/known-health'
import { shiftAlarm } from './clock'
import { newIsolate } from './settings'

type Namespace = 'GENERATIONS' | 'TEAMS' | 'DIRECTORY' | 'ACCOUNTS'

/** The IDs of the objects that ran since all were deleted. */
const ran: Record<Namespace, Set<string>> = {
  GENERATIONS: new Set(),
  TEAMS: new Set(),
  DIRECTORY: new Set(),
  ACCOUNTS: new Set(),
}

/** Notes that an object starts. */
export function started(namespace: Namespace, { id, storage }: DurableObjectState): void {
  ran[namespace].add(id.toString())
  shiftAlarm(storage)
}

/** The generations that ran since all were deleted; `listDurableObjectIds` lists deleted ones as well. */
export const generations = (): DurableObjectStub<import('../../src').Generation>[] =>
  [...ran.GENERATIONS].map((id) => env.GENERATIONS.get(env.GENERATIONS.idFromString(id)))

/** Waits until no settlement is on its way: a client may hear of its answer before. */
export async function atRest(): Promise<void> {
  await Promise.allSettled(generations().map((stub) => stub.restSettled()))
}

/**
 * Deletes every object, KV, and the memory of the isolate. `reset` deletes objects in memory, so that the others are
 * woken first. The storage of an object that is deleted at work may come back.
 */
export async function deleteObjects(): Promise<void> {
  await Promise.all([wake('GENERATIONS'), wake('TEAMS'), wake('DIRECTORY'), wake('ACCOUNTS')])
  await Promise.race([atRest(), new Promise((resolve) => setTimeout(resolve, LONGEST_REST_MS))])
  await reset()
  dropLeases()
  newIsolate()
  for (const ids of Object.values(ran)) ids.clear()
  forgetAllHealths()
}

/** The longest wait for settlements on their way, in ms: a test may hold one for good. */
const LONGEST_REST_MS = 1000

async function wake(name: Namespace): Promise<void> {
  const namespace: DurableObjectNamespace = env[name]
  const stubs = [...ran[name]].map((id) => namespace.get(namespace.idFromString(id)))
  await Promise.all(stubs.map((stub) => runInDurableObject(stub, () => {})))
}
