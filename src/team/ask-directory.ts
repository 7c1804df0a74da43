import { configOf } from '../config'
import { callObject } from '../runtime/call-object'
import { DEFAULT_TEAM } from '../credentials/caller'
import type { Directory } from './directory'
import type { Profile } from './profile'

/** Calls the Directory object, a second time if the first call fails: `ask` must be idempotent. Throws GatewayError `unavailable`. */
export const askDirectory = <T>(
  { DIRECTORY }: Pick<Env, 'DIRECTORY'>,
  ask: (directory: DurableObjectStub<Directory>) => Promise<T>,
): Promise<T> => callObject(() => ask(DIRECTORY.getByName('directory')))

/** Marks a team as changed in the directory; a deleted team is not listed there. Throws GatewayError `unavailable`. */
export async function markChanged(
  env: Env,
  { profile }: { profile: Profile | undefined },
  epoch: number,
): Promise<void> {
  if (profile) await askDirectory(env, async (directory) => await directory.mark(profile.id, epoch))
}

/** Lists the default team in the directory and returns its first profile. Throws GatewayError `unavailable`. */
export async function listDefaultTeam(env: Env, createdMs: number): Promise<Profile> {
  const listed = { id: DEFAULT_TEAM, name: DEFAULT_TEAM, created_ms: createdMs }
  await askDirectory(env, async (directory) => await directory.add(listed))
  return { id: DEFAULT_TEAM, name: DEFAULT_TEAM, plan: configOf(env).defaultPlan, limits: {}, createdMs }
}
