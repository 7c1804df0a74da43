import { availabilityOf, type Health, isUntried, type RequestSource } from './health'

/** The time for which the health of a well account is believed, in ms. A change elsewhere is noticed that much later. */
const BELIEVED_MS = 5000
/** The number of accounts that are remembered. */
const MAX_KNOWN = 1000

/** A health as it was at a moment in ms since 1970. Without one, the account is to be asked. */
interface Sight {
  health?: Health
  atMs: number
}

/** The healths of accounts by their ids, as this isolate saw them. Requests share values, and no promises. */
const known = new Map<string, Sight>()

/** Notes the health of an account by its object. `askedMs` is the moment of the question, in ms since 1970. */
export function noteHealth(account: string, health: Health, askedMs: number): void {
  // The answer may be older than a failure that was met meanwhile.
  if (askedMs < (known.get(account)?.atMs ?? 0)) return
  keepSight(account, { health, atMs: askedMs })
}

/** Forgets the health of an account until a question of a later moment. */
export function forgetHealth(account: string, nowMs: number): void {
  keepSight(account, { atMs: nowMs + 1 })
}

/** Forgets all accounts. @internal Exported for the tests. */
export const forgetAllHealths = (): void => known.clear()

/**
 * The health of an account, if it was well for a request within the last 5 s. A health with any doubt is not believed:
 * it may have ended since.
 */
export function wellHealth(
  account: string,
  source: Pick<RequestSource, 'model' | 'payer'>,
  nowMs: number,
): Health | undefined {
  const { health, atMs = 0 } = known.get(account) ?? {}
  const isRecent = atMs <= nowMs && nowMs < atMs + BELIEVED_MS
  if (!health || !isRecent || isUntried(health)) return undefined
  const availability = availabilityOf(health, source, nowMs)
  return availability.reason || availability.isProbe ? undefined : health
}

function keepSight(account: string, sight: Sight): void {
  known.delete(account)
  known.set(account, sight)
  const [oldest] = known.keys()
  if (oldest !== undefined && known.size > MAX_KNOWN) known.delete(oldest)
}
