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

/**
 * Deletes every object, KV, and the memory of the isolate. `reset` deletes objects in memory, so that the others are
 * woken first.
 */
export async function deleteObjects(): Promise<void> {
  await Promise.all([wake('GENERATIONS'), wake('TEAMS'), wake('DIRECTORY'), wake('ACCOUNTS')])
  await reset()
  dropLeases()
  newIsolate()
  for (const ids of Object.values(ran)) ids.clear()
  forgetAllHealths()
}

async function wake(name: Namespace): Promise<void> {
  const namespace: DurableObjectNamespace = env[name]
  const stubs = [...ran[name]].map((id) => namespace.get(namespace.idFromString(id)))
  await Promise.all(stubs.map((stub) => runInDurableObject(stub, () => {})))
}
