import { reach } from '../reach'
import type { Directory } from './directory'
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
