import { configOf } from '../config'
import { reach } from '../reach'
import { GATEWAY_TEAM } from './caller'
import type { Directory } from './directory'
import type { Profile } from './profile'
import type { Team } from './team'

/** Asks a team for something that may be asked twice. Throws GatewayError `unavailable`. */
export const askTeam = <T>(
  { TEAMS }: Pick<Env, 'TEAMS'>,
  id: string,
  ask: (team: DurableObjectStub<Team>) => Promise<T>,
): Promise<T> => reach(() => ask(TEAMS.getByName(id)))

/** Asks the one object that lists the teams, likewise. Throws GatewayError `unavailable`. */
export const askDirectory = <T>(
  { DIRECTORY }: Pick<Env, 'DIRECTORY'>,
  ask: (directory: DurableObjectStub<Directory>) => Promise<T>,
): Promise<T> => reach(() => ask(DIRECTORY.getByName('directory')))

/** The team of the static key as it begins, once it is listed. Throws GatewayError `unavailable`. */
export async function listedGatewayTeam(env: Env, createdMs: number): Promise<Profile> {
  const listed = { id: GATEWAY_TEAM, name: GATEWAY_TEAM, created_ms: createdMs }
  await askDirectory(env, async (directory) => await directory.add(listed))
  return { id: GATEWAY_TEAM, name: GATEWAY_TEAM, plan: configOf(env).defaultPlan, limits: {}, createdMs }
}
