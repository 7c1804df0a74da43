import * as z from 'zod'
import { type Look, UnknownJob } from './poll'
import { ProviderError, type Upstream } from '../provider'
import { errorSaid } from './refusal'

/** What is said of a job of Black Forest Labs' (protocols §6.2), be it passed on by somebody else (protocols §6.8). */
export const fluxState = z
  .object({ status: z.string().nullish(), state: z.string().nullish(), progress: z.number().nullish().catch(null) })
  .extend({ result: z.object({ sample: z.string() }).nullish().catch(null) })

/**
 * How such a job stands; a status that is not known is one of a job under way, which was paid for. Throws UnknownJob.
 */
export function lookOf(
  { status, state, progress, result }: z.infer<typeof fluxState>,
  upstream: Upstream,
): Look<string> {
  switch (status ?? state) {
    case 'Ready':
      return result
        ? { done: result.sample }
        : { failed: new ProviderError('lost', 'is ready without a picture', { ofRequest: true }) }
    case 'Request Moderated':
      return { failed: refused('request', upstream) }
    case 'Content Moderated':
      return { failed: refused('picture that was made', upstream) }
    case 'Task not found':
      throw new UnknownJob()
    case 'Error':
    case 'Failed':
      return { failed: new ProviderError('unavailable', 'failed to make the picture') }
    default:
      return { percent: typeof progress === 'number' ? progress * 100 : undefined }
  }
}

const refused = (what: string, upstream: Upstream): ProviderError =>
  errorSaid({ kind: 'rejected', moderated: true, message: `Its safety system refused the ${what}.` }, upstream)
