import * as z from 'zod'
import { optionalText } from './lenient'
import type { ErrorReader } from './upstream-error'

const googleErrorDetail = z.object({ reason: optionalText, retryDelay: optionalText }).catch({})
const errorReply = z.object({
  error: z.object({
    message: optionalText,
    status: optionalText,
    details: z.array(googleErrorDetail).nullish().catch(undefined),
  }),
})

/** Some endpoints wrap the error in an array of one (protocols §3.5). */
export const googleErrorIn = (body: unknown): z.infer<typeof errorReply>['error'] | undefined =>
  errorReply.safeParse(Array.isArray(body) ? body[0] : body).data?.error

export const readGoogleError: ErrorReader = (body) => {
  const { message, status, details: more } = googleErrorIn(body) ?? {}
  const isOfKey = more?.some(({ reason }) => reason?.startsWith('API_KEY_'))
  const delay = more?.find(({ retryDelay }) => retryDelay)?.retryDelay ?? ''
  return {
    message: message ?? undefined,
    // Both errors come with status 400, but the request is not at fault.
    kind: isOfKey || status === 'FAILED_PRECONDITION' ? 'misconfigured' : undefined,
    waitMs: /^\d+(?:\.\d+)?s$/.test(delay) ? parseFloat(delay) * 1000 : undefined,
  }
}
