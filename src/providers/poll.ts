import { ProviderError, type ProviderEvent, type Work } from './provider'

/** How a job stands: it is done, it came to nothing, or it is under way, and how far. */
export type Look<Done> = { done: Done } | { failed: ProviderError } | { percent?: number | undefined }

/** How soon a job is looked at a second time, in ms; then ever more rarely. */
const FIRST_PAUSE_MS = 250
const GROWTH = 1.5
/** So many times in a row, a job cannot be looked at before it is given up. */
const MAX_MISSES = 5

/**
 * Looks at a job until it is over, at last every so many ms, and tells how far it is. That it cannot be looked at for a
 * while does not end it: it was paid for. Throws ProviderError.
 */
export async function* polled<Done>(
  { signal }: Pick<Work, 'signal'>,
  everyMs: number,
  look: () => Promise<Look<Done>>,
): AsyncGenerator<ProviderEvent, Done> {
  let misses = 0
  let pauseMs = Math.min(FIRST_PAUSE_MS, everyMs)
  for (;;) {
    const seen = await look().catch((error: unknown) => missed(error, ++misses))
    if ('done' in seen) return seen.done
    if ('failed' in seen) throw seen.failed
    if (!('waitMs' in seen)) {
      misses = 0
      if (seen.percent !== undefined) yield { type: 'progress', percent: seen.percent }
    }
    await pause('waitMs' in seen ? Math.max(pauseMs, seen.waitMs) : pauseMs, signal)
    pauseMs = Math.min(pauseMs * GROWTH, everyMs)
  }
}

function missed(error: unknown, misses: number): { waitMs: number } {
  if (!(error instanceof ProviderError) || error.kind === 'lost') throw error
  const mayPass = error.kind === 'unavailable' || error.kind === 'throttled'
  if (mayPass && misses < MAX_MISSES) return { waitMs: error.facts.retryAfterMs ?? 0 }
  throw new ProviderError('lost', `could not be asked about its job: ${error.message}`, {}, { cause: error })
}

/** Resolves after so many ms. Throws ProviderError when it is stopped before. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new ProviderError('unavailable', 'was stopped'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
}
