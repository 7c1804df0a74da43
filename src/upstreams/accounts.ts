import { hash } from 'node:crypto'
import { describe, log } from '../runtime/log'
import type { Upstream } from '../providers/provider'
import { callObject } from '../runtime/call-object'
import { pause, withDeadline } from '../runtime/deadline'
import type { Account, AccountStatus, SlotOwner, SlotRequest, TakenSlot } from './account'
import { type Health, NEW, type Unavailability, type CallOutcome } from './health'

type Accounts = DurableObjectNamespace<Account>

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

/** The health of an account. A fallback, and an object that does not reply in time, count as new. Never throws. */
export const healthOf = async (accounts: Accounts, upstream: Upstream): Promise<Health> =>
  upstream.isFallback
    ? NEW
    : await withDeadline(REPLY_MS, () =>
        askAccount(accounts, upstream, async (account) => await account.health()),
      ).catch(() => NEW)

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
    const isLimited = maxConcurrency !== undefined || requestsPerMinute !== undefined
    return isLimited ? { reason: 'unreachable', untilMs: Date.now() + UNREACHABLE_MS } : UNRECORDED
  }
}

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
  const report = (): Promise<boolean> =>
    withDeadline(REPLY_MS, () =>
      askAccount(accounts, upstream, async (account) => await account.leave(owner, outcome, tookMs)),
    ).then(
      () => true,
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
export const switchAccount = (accounts: Accounts, upstream: Upstream, isIn: boolean): Promise<void> =>
  askAccount(accounts, upstream, async (account) => await account.switch(isIn))
