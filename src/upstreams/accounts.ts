import { hash } from 'node:crypto'
import { describe, log } from '../runtime/log'
import type { Upstream } from '../providers/provider'
import { callObject } from '../runtime/call-object'
import { pause, withDeadline } from '../runtime/deadline'
import type { Candidate } from './candidates'
import type { Account, AccountStatus, SlotOwner, SlotRequest, TakenSlot } from './account'
import { type Health, NEW, type RequestSource, type Unavailability, type CallOutcome } from './health'
import { forgetHealth, noteHealth, wellHealth } from './known-health'

type Accounts = DurableObjectNamespace<Account>
type HealthSource = Pick<RequestSource, 'model' | 'payer'>

/** The lasting id of an account. A new credential is a new account without a history. */
export const accountIdOf = ({ name, credential }: Upstream): string =>
  `${name}/${hash('sha256', credential).slice(0, 16)}`

/**
 * Calls an account with a request that is safe to repeat. Throws GatewayError `unavailable`.
 * @internal Exported for its tests.
 */
export const askAccount = <T>(
  accounts: Accounts,
  upstream: Upstream,
  ask: (account: DurableObjectStub<Account>) => Promise<T>,
  replyMs?: number,
): Promise<T> => callObject(() => ask(accounts.getByName(accountIdOf(upstream))), replyMs)

/** Requests go on without the account's object, or pass the account over. */
const logUnreachable = ({ name, account }: Upstream, error: unknown): void =>
  log('account-unreachable', { upstream: name, account, ...describe(error) })

/** The time for a reply without waiting, in ms. */
const REPLY_MS = 5000

/**
 * The health of an account for a request, which is not asked for if it was well within 5 s. A fallback, and an object
 * that does not reply in time, count as new. Never throws.
 */
export async function healthOf(accounts: Accounts, upstream: Upstream, source: HealthSource): Promise<Health> {
  if (upstream.isFallback) return NEW
  const [id, nowMs] = [accountIdOf(upstream), Date.now()]
  const known = wellHealth(id, source, nowMs)
  if (known) return known
  try {
    const ask = (): Promise<Health> => askAccount(accounts, upstream, async (account) => await account.health())
    const health = await withDeadline(REPLY_MS, ask)
    noteHealth(id, health, nowMs)
    return health
  } catch {
    return NEW
  }
}

/** Whether a call may begin before it has its slot. Its account was well within 5 s, and has no limits. */
export const isKnownWell = (upstream: Upstream, source: HealthSource, nowMs: number): boolean =>
  isUnlimited(upstream) && wellHealth(accountIdOf(upstream), source, nowMs) !== undefined

/** The healths of accounts at a moment in ms since 1970. */
export interface LookAhead {
  atMs: number
  healths: ReadonlyMap<Upstream, Health>
}

/** Looks at the accounts of candidates that a request may call soon. Resolves when all have replied. Never throws. */
export async function lookAhead(
  accounts: Accounts,
  candidates: readonly Candidate[],
  payer: string,
): Promise<LookAhead> {
  const atMs = Date.now()
  // A sole account with limits tells its health with its answer about a slot.
  const asked = candidates.length > 1 ? candidates : candidates.filter(({ upstream }) => isUnlimited(upstream))
  const looks = asked.map(
    async ({ upstream, model }) => [upstream, await healthOf(accounts, upstream, { model, payer })] as const,
  )
  return { atMs, healths: new Map(await Promise.all(looks)) }
}

const isUnlimited = ({ maxConcurrency, requestsPerMinute }: Upstream): boolean =>
  maxConcurrency === undefined && requestsPerMinute === undefined

/** The time for which an unreachable account is passed over, in ms. */
const UNREACHABLE_MS = 1000
/** The time for a reply beyond the wait for a slot, in ms. */
const ENTER_MS = 10_000
/** A slot without a record at an account. */
const UNRECORDED: TakenSlot = { isProvisional: false }

/**
 * Takes a slot at an account. An unreachable object blocks only an account with limits. A fallback has no object and
 * always a slot. Never throws.
 */
export async function enter(
  accounts: Accounts,
  upstream: Upstream,
  slotRequest: Omit<SlotRequest, 'allowance'>,
): Promise<Unavailability | TakenSlot> {
  const { maxConcurrency, requestsPerMinute, isFallback } = upstream
  if (isFallback) return UNRECORDED
  const allowance = { maxConcurrency, requestsPerMinute }
  try {
    return await askAccount(
      accounts,
      upstream,
      async (account) => await account.enter({ ...slotRequest, allowance }),
      slotRequest.patienceMs + ENTER_MS,
    )
  } catch (error) {
    logUnreachable(upstream, error)
    return isUnlimited(upstream) ? UNRECORDED : { reason: 'unreachable', untilMs: Date.now() + UNREACHABLE_MS }
  }
}

/** The outcomes after which an account may be ill. */
const SAYS_ILL: readonly CallOutcome['is'][] = ['throttled', 'unavailable', 'misconfigured']

/** The pauses before a report to an unreachable account is repeated, in ms. */
const REPORT_PAUSES_MS = [250, 1000, 4000, 16_000, 60_000]

/**
 * Reports the outcome of a request and frees its slot. A report that fails is repeated under the same id, without a wait
 * of the caller. Never throws: a slot that was not freed expires.
 */
export async function leave(
  accounts: Accounts,
  upstream: Upstream,
  owner: SlotOwner,
  outcome: CallOutcome,
  tookMs?: number,
): Promise<void> {
  if (upstream.isFallback) return
  const [id, startedMs] = [accountIdOf(upstream), Date.now()]
  if (SAYS_ILL.includes(outcome.is)) forgetHealth(id, startedMs)
  const report = (): Promise<boolean> =>
    withDeadline(REPLY_MS, () =>
      askAccount(accounts, upstream, async (account) => await account.leave(owner, outcome, tookMs)),
    ).then(
      (health: Health | undefined) => {
        // An object of an earlier version replies without its health.
        if (health) noteHealth(id, health, Date.now())
        return true
      },
      (error: unknown) => {
        logUnreachable(upstream, error)
        return false
      },
    )
  if (!(await report())) void repeated(report)
}

/** Repeats a report until it succeeds, after longer and longer pauses. */
async function repeated(report: () => Promise<boolean>): Promise<void> {
  for (const pauseMs of REPORT_PAUSES_MS) {
    await pause(pauseMs)
    if (await report()) return
  }
}

/** The state of an account; undefined for an unreachable object. Never throws. */
export async function accountStatusOf(accounts: Accounts, upstream: Upstream): Promise<AccountStatus | undefined> {
  try {
    return await askAccount(accounts, upstream, async (account) => await account.status())
  } catch (error) {
    logUnreachable(upstream, error)
    return undefined
  }
}

/** Takes an account out of use, or puts it back with the health of a new one. Throws GatewayError `unavailable`. */
export async function switchAccount(accounts: Accounts, upstream: Upstream, isIn: boolean): Promise<void> {
  await askAccount(accounts, upstream, async (account) => await account.switch(isIn))
  forgetHealth(accountIdOf(upstream), Date.now())
}
