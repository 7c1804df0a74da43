import type { RequestContext } from '../context'
import { pause } from '../runtime/deadline'
import { unwrap } from '../runtime/errors'
import { describe, log } from '../runtime/log'
import type { Admission } from '../limits/admission'
import type { Caller } from '../credentials/caller'
import type { Key } from '../team/keys'
import { LEASE_MS } from '../team/lease-policy'
import { askTeam } from '../team/ask-team'
import type { FreeAnswers } from '../ledger/usage'

/**
 * Requests that this isolate may let in by itself: a busy key's team has counted them already. What costs money is never
 * let in by a lease, and what did not cost any is told to the team at its end.
 */
interface Lease {
  admission: Admission
  left: number
  leasedMs: number
  untilMs: number
  free: Map<string, FreeAnswers>
}

/** By the caller's key. */
const leases = new Map<string, Lease>()
const nameOf = ({ team, keyHash }: Caller): string => `${team}/${keyHash}`

/** The lease that is good now; one that was cut short, or whose end was never told, is not. */
function leaseOf(caller: Caller): Lease | undefined {
  const lease = leases.get(nameOf(caller))
  return lease && Date.now() < lease.untilMs ? lease : undefined
}

/** Lets a request in, by its key's lease or else by its team. Throws GatewayError where the key opens nothing. */
export async function admit(caller: Caller, visit: RequestContext): Promise<Admission> {
  const lease = leaseOf(caller)
  if (lease && lease.left > 0) {
    lease.left -= 1
    return lease.admission
  }
  const { team, keyHash } = caller
  const admission = unwrap(await askTeam(visit.env, team, async (stub) => await stub.admit(keyHash)))
  if (admission.lease > 0) hold(caller, admission, visit)
  return admission
}

/** The key that a caller holds, without a request being counted. Throws GatewayError where it opens nothing. */
export const keyOf = async ({ team, keyHash }: Caller, env: Env): Promise<Key> =>
  unwrap(await askTeam(env, team, async (stub) => await stub.authenticate(keyHash)))

/** Several requests may come back with a lease each: they are one from then on. */
function hold(caller: Caller, admission: Admission, { env, waitUntil }: RequestContext): void {
  const held = leaseOf(caller)
  if (held) {
    held.left += admission.lease
    held.admission = admission
    return
  }
  const leasedMs = Date.now()
  const lease = { admission, left: admission.lease, leasedMs, untilMs: leasedMs + LEASE_MS, free: new Map() }
  leases.set(nameOf(caller), lease)
  waitUntil(pause(LEASE_MS).then(() => end(caller, lease, env)))
}

async function end(caller: Caller, lease: Lease, env: Env): Promise<void> {
  lease.untilMs = 0
  if (leases.get(nameOf(caller)) === lease) leases.delete(nameOf(caller))
  await tell(env, lease.admission, { requests: lease.left, leasedMs: lease.leasedMs }, [...lease.free.values()])
}

/** Asked once only, since it adds up. */
async function tell(
  env: Env,
  { payer: { team, key } }: Admission,
  unused: { requests: number; leasedMs: number },
  free: FreeAnswers[],
): Promise<void> {
  try {
    await env.TEAMS.getByName(team).returnLease(key, unused, free)
  } catch (error) {
    log('answers-not-counted', { team, key, ...describe(error) })
  }
}

/** Counts an answer that cost nothing. */
export function countFree(
  caller: Caller,
  admission: Admission,
  answer: FreeAnswers,
  { env, waitUntil }: RequestContext,
): void {
  const lease = leaseOf(caller)
  if (!lease) return waitUntil(tell(env, admission, { requests: 0, leasedMs: 0 }, [answer]))
  const name = `${answer.model}\n${answer.upstream}`
  const { hits = 0, joins = 0, saved = 0 } = lease.free.get(name) ?? {}
  const sums = { hits: hits + answer.hits, joins: joins + answer.joins, saved: saved + answer.saved }
  lease.free.set(name, { ...answer, ...sums })
}

/** Ends the leases of a team here, so that what was changed about it shows in its next request. */
export function recallLeases(team: string): void {
  for (const lease of leases.values()) if (lease.admission.payer.team === team) lease.untilMs = 0
}
