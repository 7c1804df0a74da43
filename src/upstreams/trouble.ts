/** The cause of a pause: failures, answers that forbid requests without a reason, or a refused place. */
export type Cause = 'failures' | 'forbidden' | 'misplaced'

/** Failures in a row, and the pauses that they caused; times are in ms since 1970. */
export interface Trouble {
  failures: number
  /** The sum of the weights of those failures. */
  weight: number
  /** The end of the pause. */
  openUntilMs: number
  /** The number of pauses in a row, and the start of the first. */
  openings: number
  sinceMs?: number | undefined
  /** The cause of the last failure. */
  cause: Cause
}

/** The trouble that one payer met. It pauses the account for this payer alone. */
interface PayerTrouble extends Trouble {
  /** The last request that failed: its repetitions count once. */
  request: string
  /** The weight of its failures since the account last served any payer. */
  share: number
  /** The end of a probe by this payer. */
  probingUntilMs: number
  /** The moment of the last failure. */
  atMs: number
}

/** The trouble of an account: that of all payers together, and that of each. */
export interface AccountTrouble {
  trouble: Trouble & { payer?: string | undefined }
  payers: Readonly<Record<string, PayerTrouble>>
}

export const CALM: Trouble = { failures: 0, weight: 0, openUntilMs: 0, openings: 0, cause: 'failures' }
const CALM_PAYER: PayerTrouble = { ...CALM, request: '', share: 0, probingUntilMs: 0, atMs: 0 }

/** The weight of a pause: five failures, or two forbidden or misplaced requests. */
const WEIGHT_TO_OPEN = 5
const WEIGHTS: Readonly<Record<Cause, number>> = { failures: 1, forbidden: 2.5, misplaced: 2.5 }
/** The largest weight of one payer in a pause for all: a pause needs failures of two payers. */
const MAX_SHARE = 3
/** The first and the longest pause, in ms; each is twice as long as the one before. */
const [OPEN_MS, MAX_OPEN_MS] = [30_000, 600_000]
/** The number of payers with trouble that are remembered. */
const MAX_PAYERS = 50

export const doubled = (first: number, times: number, most: number): number => Math.min(most, first * 2 ** times)

/** A failed request: its payer, and the fingerprint by which a repetition is known. */
export interface FailedRequest {
  payer: string
  request: string
}

/** The trouble after a failure. The failures of one payer pause the account for that payer; those of two, for all. */
export function afterFailure(
  { trouble, payers }: AccountTrouble,
  { payer, request }: FailedRequest,
  cause: Cause,
  nowMs: number,
): AccountTrouble {
  const before = payers[payer] ?? CALM_PAYER
  const weight = before.request === request ? 0 : WEIGHTS[cause]
  // A probe that repeats its request has failed all the same.
  const isProbe = before.openings > 0
  const own = isProbe || weight > 0 ? paused(before, isProbe, before.weight + weight, cause, nowMs) : before
  const mine: PayerTrouble = {
    ...before,
    ...own,
    request,
    share: before.share + weight,
    probingUntilMs: 0,
    atMs: nowMs,
  }
  const all = { ...payers, [payer]: mine }
  const isNews = weight > 0 || trouble.openings > 0
  return { trouble: isNews ? afterFailureOfAll(trouble, all, payer, cause, nowMs) : trouble, payers: newest(all) }
}

/** A failed probe of the same payer as before adds nothing: its requests may be the cause. */
function afterFailureOfAll(
  trouble: AccountTrouble['trouble'],
  payers: AccountTrouble['payers'],
  payer: string,
  cause: Cause,
  nowMs: number,
): AccountTrouble['trouble'] {
  const isProbe = trouble.openings > 0
  if (isProbe && trouble.payer === payer) return trouble
  const weight = Object.values(payers).reduce((sum, { share }) => sum + Math.min(share, MAX_SHARE), 0)
  return { ...paused(trouble, isProbe, weight, cause, nowMs), payer }
}

/** Counts a failure. Enough weight, or a failed probe, causes a pause. */
function paused<Kind extends Trouble>(
  trouble: Kind,
  isProbe: boolean,
  weight: number,
  cause: Cause,
  nowMs: number,
): Kind {
  const { openUntilMs, openings, sinceMs = nowMs } = trouble
  if (openUntilMs > nowMs) return trouble
  const counted = { ...trouble, failures: trouble.failures + 1, weight, cause }
  if (!isProbe && counted.weight < WEIGHT_TO_OPEN) return counted
  return { ...counted, openUntilMs: nowMs + doubled(OPEN_MS, openings, MAX_OPEN_MS), openings: openings + 1, sinceMs }
}

/** The trouble after an answer to a payer. Other payers keep their own, but it counts for them alone. */
export function afterAnswer(payers: AccountTrouble['payers'], payer: string): AccountTrouble['payers'] {
  const others = Object.entries(payers).filter(([name]) => name !== payer)
  return Object.fromEntries(others.map(([name, each]) => [name, { ...each, share: 0 }]))
}

/** Whether an answer to a payer changes nothing. */
export const isUnchangedBy = (payers: AccountTrouble['payers'], payer: string): boolean =>
  payers[payer] === undefined && Object.values(payers).every(({ share }) => share === 0)

const newest = (payers: AccountTrouble['payers']): AccountTrouble['payers'] =>
  Object.fromEntries(
    Object.entries(payers)
      .toSorted(([, a], [, b]) => b.atMs - a.atMs)
      .slice(0, MAX_PAYERS),
  )
