import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import type { Candidate } from '../upstreams/candidates'
import type { Call } from './progress'

/** How long an upstream has to stop a job, in ms. */
const STOP_MS = 3000

/** Has an upstream stop a job of which nothing is wanted any more, where its API can: it would be paid for. Never throws. */
export async function stopJob({ job }: Pick<Call, 'job'>, { upstream }: Candidate): Promise<void> {
  if (job === undefined) return
  try {
    await withDeadline(STOP_MS, async (signal) => await upstream.provider.cancel?.(job, upstream, signal))
  } catch (error) {
    log('job-not-stopped', { upstream: upstream.name, account: upstream.account, ...describe(error) })
  }
}
