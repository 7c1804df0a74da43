import { pause } from '../../runtime/deadline'
import { ProviderError, type ProviderEvent, type Work } from '../provider'

/** The state of a job: done, failed, or running. The percentage and the wait before the next read may be unknown. */
export type JobState<Done> =
  | { done: Done }
  | { failed: ProviderError }
  | { percent?: number | undefined; waitMs?: number | undefined }

/** The upstream does not know the job. */
export class UnknownJob extends ProviderError {
  constructor() {
    super('lost', 'does not know of its job', { isUnusable: true })
  }
}

/** The pause before the second read of a job, in ms. Later pauses grow. */
const FIRST_PAUSE_MS = 250
const PAUSE_GROWTH = 1.5
/** The longest pause during an outage, in ms. */
const OUTAGE_POLL_MS = 5000
/** The longest outage before the job is given up, in ms. It spans two windows of a limit per minute. */
const MAX_OUTAGE_MS = 120_000
/** The longest wait that an upstream can ask for, in ms. The job may be done earlier. */
const MAX_RETRY_AFTER_MS = 60_000
/** The time before "unknown job" is believed, in ms. Not every server knows a new job at once. */
const MAX_UNKNOWN_MS = 10_000

/**
 * Reads a job until it ends, at intervals of up to `everyMs`, and yields its progress. An outage does not end the job,
 * because it is paid for. Throws ProviderError.
 */
export async function* pollJob<Done>(
  { signal }: Pick<Work, 'signal'>,
  everyMs: number,
  look: () => Promise<JobState<Done>>,
): AsyncGenerator<ProviderEvent, Done> {
  let outage: Outage | undefined
  let pauseMs = FIRST_PAUSE_MS
  for (;;) {
    const seen = await look().catch((error: unknown) => outageOf(error, outage))
    if ('done' in seen) return seen.done
    if ('failed' in seen) throw unusableIfLost(seen.failed)
    outage = 'sinceMs' in seen ? seen : undefined
    if ('percent' in seen && seen.percent !== undefined) yield { type: 'progress', percent: seen.percent }
    pauseMs = Math.min(pauseMs, outage ? OUTAGE_POLL_MS : everyMs)
    await pause(Math.max(pauseMs, Math.min(seen.waitMs ?? 0, MAX_RETRY_AFTER_MS)), signal)
    pauseMs *= PAUSE_GROWTH
  }
}

/** The same account would be paid for another job. */
const unusableIfLost = (error: ProviderError): ProviderError =>
  error.kind === 'lost'
    ? new ProviderError('lost', error.message, { ...error.facts, isUnusable: true }, { cause: error.cause })
    : error

/** An outage: its start, the start of "unknown job", and the upstream's wait, in ms. */
interface Outage {
  sinceMs: number
  unknownSinceMs: number | undefined
  waitMs: number
}

/** Statuses of an account that cannot fetch the result any more. */
const LOST_ACCOUNT_STATUSES = [401, 402, 403]

/** Continues an outage after a failed read. Throws ProviderError when the job is given up. */
function outageOf(error: unknown, before: Outage | undefined): Outage {
  if (!(error instanceof ProviderError)) throw error
  const { kind, facts } = error
  const nowMs = Date.now()
  const { sinceMs = nowMs, unknownSinceMs = nowMs } = before ?? {}
  const isUnknown = error instanceof UnknownJob || facts.status === 404
  const mayPass = isUnknown ? nowMs - unknownSinceMs < MAX_UNKNOWN_MS : kind === 'unavailable' || kind === 'throttled'
  if (mayPass && nowMs - sinceMs < MAX_OUTAGE_MS)
    return {
      sinceMs,
      unknownSinceMs: isUnknown ? unknownSinceMs : undefined,
      waitMs: facts.retryAfterMs ?? 0,
    }
  const isOfAccount = kind === 'misconfigured' && LOST_ACCOUNT_STATUSES.includes(facts.status ?? 0)
  if (kind === 'lost') throw error
  // The job may be billed, although the account cannot fetch it any more.
  if (isOfAccount)
    throw new ProviderError(kind, error.message, { ...facts, spent: facts.spent ?? {} }, { cause: error })
  const message = `could not be asked about its job: ${error.message}`
  throw new ProviderError('lost', message, { isUnusable: true }, { cause: error })
}
