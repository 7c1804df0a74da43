import { reach } from '../runtime/reach'
import type { Team } from './team'

/** Asks a team for something that may be asked twice. Throws GatewayError `unavailable`. */
export const askTeam = <T>(
  { TEAMS }: Pick<Env, 'TEAMS'>,
  id: string,
  ask: (team: DurableObjectStub<Team>) => Promise<T>,
): Promise<T> => reach(() => ask(TEAMS.getByName(id)))
