import { callObject } from '../runtime/call-object'
import type { Team } from './team'

/** Calls a Team object, a second time if the first call fails: `ask` must be idempotent. Throws GatewayError `unavailable`. */
export const askTeam = <T>(
  { TEAMS }: Pick<Env, 'TEAMS'>,
  id: string,
  ask: (team: DurableObjectStub<Team>) => Promise<T>,
): Promise<T> => callObject(() => ask(TEAMS.getByName(id)))
