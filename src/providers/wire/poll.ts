import { pause } from '../../runtime/deadline'
import { ProviderError, type ProviderEvent, type Work } from '../provider'

/** How a job stands: it is done, it came to nothing, or it is under way, and how far. */
export type JobState<Done> = { done: Done } | { failed: ProviderError } | { percent?: number | undefined }

/** The upstream says that there is no such job; thrown by whoever looks at one. */
export class UnknownJob extends ProviderError {
  constructor() {
    super('lost', 'does not know of its job')
  }
}

/** How soon a job is looked at a second time, in ms; then ever more rarely. */
const FIRST_PAUSE_MS = 250
const PAUSE_GROWTH = 1.5
/** How often at last, in ms, while it cannot be looked at. */
const OUTAGE_POLL_MS = 5000
/** For how long it cannot be looked at before it is given up, in ms: a limit per minute has passed twice by then. */
const MAX_OUTAGE_MS = 120_000
/** For how long a job is let be at once, whatever its upstream asks for, in ms: it may be done meanwhile. */
const MAX_RETRY_AFTER_MS = 60_000
/** For how long it is said not to be there before that is believed, in ms: not all that answer hear of it at once. */
const MAX_UNKNOWN_MS = 10_000

/**
 * Looks at a job until it is over, at last every so many ms, and tells how far it is. That it cannot be looked at for a
 * while does not end it: it was paid for. Throws ProviderError.
 */
export async function* pollJob<Done>(
  { signal }: Pick<Work, 'signal'>,
  everyMs: number,
  look: () => Promise<JobState<Done>>,
): AsyncGenerator<ProviderEvent, Done> {
  let unseen: Outage | undefined
  let pauseMs = FIRST_PAUSE_MS
  for (;;) {
    const seen = await look().catch((error: unknown) => outageOf(error, unseen))
    if ('done' in seen) return seen.done
    if ('failed' in seen) throw seen.failed
    unseen = 'sinceMs' in seen ? seen : undefined
    if ('percent' in seen && seen.percent !== undefined) yield { type: 'progress', percent: seen.percent }
    pauseMs = Math.min(pauseMs, unseen ? OUTAGE_POLL_MS : everyMs)
    await pause(Math.max(pauseMs, unseen?.waitMs ?? 0), signal)
    pauseMs *= PAUSE_GROWTH
  }
}

/** A job that could not be looked at, since when, since when it is said not to be there, and for how long it is let be. */
interface Outage {
  sinceMs: number
  unknownSinceMs: number | undefined
  waitMs: number
}

/** Statuses of an account that is of no use any more, and could not fetch what was made. */
const LOST_ACCOUNT_STATUSES = [401, 402, 403]

/** What a look that failed makes of a job. Throws ProviderError where it is given up. */
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
      waitMs: Math.min(facts.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS),
    }
  const isOfAccount = kind === 'misconfigured' && LOST_ACCOUNT_STATUSES.includes(facts.status ?? 0)
  if (isOfAccount || kind === 'lost') throw error
  throw new ProviderError('lost', `could not be asked about its job: ${error.message}`, {}, { cause: error })
}
