import { configOf } from '../config'
import { callObject } from '../runtime/call-object'
import { DEFAULT_TEAM } from '../credentials/caller'
import type { Directory } from './directory'
import type { Profile } from './profile'

/** Asks the one object that lists the teams for something that may be asked twice. Throws GatewayError `unavailable`. */
export const askDirectory = <T>(
  { DIRECTORY }: Pick<Env, 'DIRECTORY'>,
  ask: (directory: DurableObjectStub<Directory>) => Promise<T>,
): Promise<T> => callObject(() => ask(DIRECTORY.getByName('directory')))

/** The team of the static key as it begins, once it is listed. Throws GatewayError `unavailable`. */
export async function listDefaultTeam(env: Env, createdMs: number): Promise<Profile> {
  const listed = { id: DEFAULT_TEAM, name: DEFAULT_TEAM, created_ms: createdMs }
  await askDirectory(env, async (directory) => await directory.add(listed))
  return { id: DEFAULT_TEAM, name: DEFAULT_TEAM, plan: configOf(env).defaultPlan, limits: {}, createdMs }
}
