import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import type { Candidate } from '../upstreams/candidates'
import type { Call } from './progress'

/** The time for an upstream to stop a job, in ms. */
const STOP_MS = 3000

/**
 * Stops an unwanted job, if the upstream's API can: it would be billed. Returns whether the upstream has confirmed that
 * the job has stopped and costs nothing. Never throws.
 */
export async function stopJob({ job }: Pick<Call, 'job'>, { upstream }: Candidate): Promise<boolean> {
  if (job === undefined) return false
  try {
    return await withDeadline(
      STOP_MS,
      async (signal) => (await upstream.provider.cancel?.(job, upstream, signal)) ?? false,
    )
  } catch (error) {
    log('job-not-stopped', { upstream: upstream.name, account: upstream.account, ...describe(error) })
    return false
  }
}
