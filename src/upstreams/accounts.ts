import { createHash } from 'node:crypto'
import { describe, log } from '../runtime/log'
import type { Upstream } from '../providers/provider'
import { callObject } from '../runtime/call-object'
import { withDeadline } from '../runtime/deadline'
import type { Account, AccountStatus, Entrance, Taken } from './account'
import { type Health, NEW, type Unavailability, type CallOutcome } from './health'

type Accounts = DurableObjectNamespace<Account>

/** What names an account for good: a new credential is a new account, of which nothing is known. */
export const accountIdOf = ({ name, credential }: Upstream): string =>
  `${name}/${createHash('sha256').update(credential).digest('hex').slice(0, 16)}`

/**
 * Calls an account with a request that is safe to repeat. Throws GatewayError `unavailable`.
 * @internal Exported for its tests.
 */
export const askAccount = <T>(
  accounts: Accounts,
  upstream: Upstream,
  ask: (account: DurableObjectStub<Account>) => Promise<T>,
): Promise<T> => callObject(() => ask(accounts.getByName(accountIdOf(upstream))))

/** For the log: requests go on without that account's object, or pass it over. */
const tellUnreachable = ({ name, account }: Upstream, error: unknown): void =>
  log('account-unreachable', { upstream: name, account, ...describe(error) })

/** How long an account has for what it does not have to wait for, in ms. */
const REPLY_MS = 5000

/** How an account is; as new where its object cannot be reached in time, or it has none. Never throws. */
export const healthOf = async (accounts: Accounts, upstream: Upstream): Promise<Health> =>
  upstream.isFallback
    ? NEW
    : await withDeadline(REPLY_MS, () =>
        askAccount(accounts, upstream, async (account) => await account.health()),
      ).catch(() => NEW)

/** For how long an account is passed over whose object cannot be reached, in ms. */
const UNREACHABLE_MS = 1000
/** A seat of which no account keeps a record. */
const UNRECORDED: Taken = { isProvisional: false }

/**
 * Has a request take its seat at an account; one whose object cannot be reached is asked all the same, unless how much it
 * may be asked is limited; a stand-in has no account and is always asked. Never throws.
 */
export async function enter(
  accounts: Accounts,
  upstream: Upstream,
  entrance: Omit<Entrance, 'allowance'>,
): Promise<Unavailability | Taken> {
  const { maxConcurrency, requestsPerMinute, isFallback } = upstream
  if (isFallback) return UNRECORDED
  const allowance = { maxConcurrency, requestsPerMinute }
  try {
    return await askAccount(accounts, upstream, async (account) => await account.enter({ ...entrance, allowance }))
  } catch (error) {
    tellUnreachable(upstream, error)
    const isLimited = maxConcurrency !== undefined || requestsPerMinute !== undefined
    return isLimited ? { hindrance: 'unreachable', untilMs: Date.now() + UNREACHABLE_MS } : UNRECORDED
  }
}

/** Tells an account how a request ended. Never throws: its seat is free in time, whatever becomes of this. */
export async function leave(
  accounts: Accounts,
  upstream: Upstream,
  { id, model }: Pick<Entrance, 'id' | 'model'>,
  outcome: CallOutcome,
  tookMs?: number,
): Promise<void> {
  if (upstream.isFallback) return
  try {
    await withDeadline(REPLY_MS, () =>
      askAccount(accounts, upstream, async (account) => await account.leave(id, model, outcome, tookMs)),
    )
  } catch (error) {
    tellUnreachable(upstream, error)
  }
}

/** How an account stands; undefined where its object cannot be reached. Never throws. */
export async function accountStatusOf(accounts: Accounts, upstream: Upstream): Promise<AccountStatus | undefined> {
  try {
    return await askAccount(accounts, upstream, async (account) => await account.status())
  } catch (error) {
    tellUnreachable(upstream, error)
    return undefined
  }
}

/** Takes an account out, or puts it back as if nothing had happened to it. Throws GatewayError `unavailable`. */
export const switchAccount = (accounts: Accounts, upstream: Upstream, isIn: boolean): Promise<void> =>
  askAccount(accounts, upstream, async (account) => await account.switch(isIn))
