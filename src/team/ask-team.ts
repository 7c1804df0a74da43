import { callObject } from '../runtime/call-object'
import type { Team } from './team'

/** Asks a team for something that may be asked twice. Throws GatewayError `unavailable`. */
export const askTeam = <T>(
  { TEAMS }: Pick<Env, 'TEAMS'>,
  id: string,
  ask: (team: DurableObjectStub<Team>) => Promise<T>,
): Promise<T> => callObject(() => ask(TEAMS.getByName(id)))
