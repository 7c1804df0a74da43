import * as z from 'zod'
import { type JobState, UnknownJob } from './poll'
import { ProviderError, type Upstream } from '../provider'
import { moderationError } from './upstream-error'

/** The state of a job at Black Forest Labs (protocols §6.2), also through a reseller (protocols §6.8). */
export const fluxJobReply = z
  .object({ status: z.string().nullish(), state: z.string().nullish(), progress: z.number().nullish().catch(null) })
  .extend({ result: z.object({ sample: z.string() }).nullish().catch(null) })

/** The state of such a job. An unknown status counts as running, because the job is paid for. Throws UnknownJob. */
export function fluxJobState(
  { status, state, progress, result }: z.infer<typeof fluxJobReply>,
  upstream: Upstream,
): JobState<string> {
  switch (status ?? state) {
    case 'Ready':
      return result
        ? { done: result.sample }
        : { failed: new ProviderError('lost', 'is ready without a picture', { scope: 'request' }) }
    case 'Request Moderated':
      return { failed: moderationError('request', upstream) }
    case 'Content Moderated':
      return { failed: moderationError('picture', upstream) }
    case 'Task not found':
      throw new UnknownJob()
    case 'Error':
    case 'Failed':
      return { failed: new ProviderError('unavailable', 'failed to make the picture') }
    default:
      return { percent: typeof progress === 'number' ? progress * 100 : undefined }
  }
}
