import type { RequestContext } from '../context'
import { callObjectOnce } from '../runtime/call-object'
import type { Admission } from '../limits/admission'
import type { Caller } from '../credentials/caller'
import { askTeam } from '../team/ask-team'
import type { FreeAnswers } from '../ledger/usage'
import { KeyLeases, type LeasingContext } from './key-leases'

const leases = new KeyLeases()

const leasingOf = ({ team }: Caller, { env, waitUntil }: RequestContext): LeasingContext => ({
  team: {
    admit: (hash) => askTeam(env, team, async (stub) => await stub.admit(hash)),
    reportUse: (report, caller) =>
      callObjectOnce(async () => await env.TEAMS.getByName(team).reportUse(report, caller)),
  },
  waitUntil,
})

/** Admits a request by a lease of its key, or else by its team. Throws GatewayError for a key that is not valid. */
export const admit = (caller: Caller, context: RequestContext): Promise<Admission> =>
  leases.admit(caller, leasingOf(caller, context))

/** Counts an answer that cost nothing. */
export const countFree = (caller: Caller, admission: Admission, answer: FreeAnswers, context: RequestContext): void =>
  leases.countFree(caller, admission, answer, leasingOf(caller, context))

/** Counts new images of a caller, for the limits that the answers of its leases show. */
export const countImages = (caller: Caller, images: number): void => leases.countImages(caller, images)

/** Ends a team's leases in this isolate, so that a change of its settings applies to the next request. */
export const recallLeases = (team: string): void => leases.recall(team)

/**
 * Forgets all leases of this isolate without their reports: the teams that granted them are gone.
 * @internal Exported for its tests.
 */
export const dropLeases = (): void => leases.forget()
