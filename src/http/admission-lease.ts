import type { RequestContext } from '../context'
import { callObjectOnce } from '../runtime/call-object'
import { pause } from '../runtime/deadline'
import { unwrap } from '../failures/errors'
import { describe, log } from '../runtime/log'
import type { Admission } from '../limits/admission'
import type { Caller } from '../credentials/caller'
import { LEASE_MS } from '../team/lease-policy'
import { askTeam } from '../team/ask-team'
import type { FreeAnswers } from '../ledger/usage'

/**
 * Requests that this isolate admits without a call of the team. The team has counted them already. A lease admits no
 * spending; free answers are reported when it ends.
 */
interface Lease {
  admission: Admission
  left: number
  leasedMs: number
  untilMs: number
  free: Map<string, FreeAnswers>
}

/** Leases by team and key. */
const leases = new Map<string, Lease>()
const leaseKey = ({ team, keyHash }: Caller): string => `${team}/${keyHash}`

/** The current lease; undefined after its endLease or recall. */
function leaseOf(caller: Caller): Lease | undefined {
  const lease = leases.get(leaseKey(caller))
  return lease && Date.now() < lease.untilMs ? lease : undefined
}

/** Admits a request by the lease of its key, or else by its team. Throws GatewayError for a key that is not valid. */
export async function admit(caller: Caller, context: RequestContext): Promise<Admission> {
  const lease = leaseOf(caller)
  if (lease && lease.left > 0) {
    lease.left -= 1
    return lease.admission
  }
  const { team, keyHash } = caller
  const admission = unwrap(await askTeam(context.env, team, async (stub) => await stub.admit(keyHash)))
  if (admission.lease > 0) keepLease(caller, admission, context)
  return admission
}

/** Concurrent requests can each return with a lease; their leases become one. */
function keepLease(caller: Caller, admission: Admission, { env, waitUntil }: RequestContext): void {
  const held = leaseOf(caller)
  if (held) {
    held.left += admission.lease
    held.admission = admission
    return
  }
  const leasedMs = Date.now()
  const lease = { admission, left: admission.lease, leasedMs, untilMs: leasedMs + LEASE_MS, free: new Map() }
  leases.set(leaseKey(caller), lease)
  waitUntil(pause(LEASE_MS).then(() => endLease(caller, lease, env)))
}

async function endLease(caller: Caller, lease: Lease, env: Env): Promise<void> {
  lease.untilMs = 0
  if (leases.get(leaseKey(caller)) === lease) leases.delete(leaseKey(caller))
  if (lease.left === 0 && lease.free.size === 0) return
  await returnLease(env, lease.admission, { requests: lease.left, leasedMs: lease.leasedMs }, [...lease.free.values()])
}

/** Called once without a retry: a second call would count twice. */
async function returnLease(
  env: Env,
  { payer: { team, key } }: Admission,
  unused: { requests: number; leasedMs: number },
  free: FreeAnswers[],
): Promise<void> {
  try {
    await callObjectOnce(async () => await env.TEAMS.getByName(team).returnLease(key, unused, free))
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
  if (!lease) return waitUntil(returnLease(env, admission, { requests: 0, leasedMs: 0 }, [answer]))
  const name = `${answer.model}\n${answer.upstream}`
  const { hits = 0, joins = 0, saved = 0 } = lease.free.get(name) ?? {}
  const sums = { hits: hits + answer.hits, joins: joins + answer.joins, saved: saved + answer.saved }
  lease.free.set(name, { ...answer, ...sums })
}

/** Ends a team's leases in this isolate, so that a change of its settings applies to the next request. */
export function recallLeases(team: string): void {
  for (const lease of leases.values()) if (lease.admission.payer.team === team) lease.untilMs = 0
}

/**
 * Ends all leases of this isolate without their reports: the teams that granted them are gone.
 * @internal Exported for its tests.
 */
export function dropLeases(): void {
  for (const lease of leases.values()) {
    lease.left = 0
    lease.untilMs = 0
    lease.free.clear()
  }
  leases.clear()
}
