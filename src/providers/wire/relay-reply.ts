import * as z from 'zod'
import { inMicroUsd } from '../../catalog/money'
import type { Usage } from '../../image/record'
import type { Summary } from '../provider'
import { tokenCount } from './lenient'
import { parsedOr } from './error-body'
import type { ErrorReader, ErrorReport } from './error-report'
import { readOpenaiError } from './upstream-error'

const usdAmount = z.number().nonnegative().nullish().catch(undefined)

const relayReply = z.object({
  usage: z
    .object({
      prompt_tokens: tokenCount.nullish().catch(undefined),
      completion_tokens: tokenCount.nullish().catch(undefined),
      completion_tokens_details: z.object({ image_tokens: tokenCount.nullish() }).nullish().catch(undefined),
      cost: usdAmount,
      is_byok: z.boolean().nullish().catch(undefined),
      cost_details: z.object({ upstream_inference_cost: usdAmount }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
})
type RelayUsage = NonNullable<z.infer<typeof relayReply>['usage']>

/** Tokens and cost in an answer of OpenRouter, or of a relay's chat (protocols §2.2). */
export function relaySummary(said: unknown): Summary {
  const { usage } = relayReply.safeParse(said).data ?? {}
  return usage ? { cost: relayCost(usage), usage: relayUsage(usage) } : {}
}

/** In micro-USD. The cost of a request with the client's own key at the maker is a separate field. */
function relayCost({ cost, is_byok, cost_details }: RelayUsage): number | undefined {
  if (typeof cost !== 'number') return undefined
  return Math.round(inMicroUsd(cost + (is_byok ? (cost_details?.upstream_inference_cost ?? 0) : 0)))
}

/** Most relays count characters of their answer as tokens. Only counts with image tokens are used. */
function relayUsage({ prompt_tokens, completion_tokens, completion_tokens_details }: RelayUsage): Usage | undefined {
  const image = completion_tokens_details?.image_tokens
  if (!image) return undefined
  const [input, output] = [prompt_tokens ?? 0, Math.max(completion_tokens ?? 0, image)]
  return { input, output, outputDetails: { text: output - image, image }, total: input + output }
}

/** OpenRouter's error for refused content, with status 403. Its SDK leaves `metadata` open. */
const flaggedError = z.object({
  error: z.object({
    metadata: z.union([
      z.object({ reasons: z.array(z.unknown()).min(1) }),
      z.object({ flagged_input: z.string() }),
      z.object({ error_type: z.enum(['content_policy_violation', 'refusal']) }),
    ]),
  }),
})

/** OpenRouter's code equals the status. Its error reference has 403 for a request that a filter blocked. */
const forbiddenError = z.object({ error: z.object({ code: z.literal(403) }) })

/** OpenRouter's error for a failure of a model's maker, with the maker's own body or sentence. */
const makerError = z.object({
  error: z.object({
    metadata: z
      .object({ raw: z.union([z.string(), z.looseObject({})]).optional(), provider_name: z.string().optional() })
      .refine(({ raw, provider_name: name }) => raw !== undefined || name !== undefined),
  }),
})

const USER_FAULTS = ['invalid_request_error', 'image_generation_user_error']

/**
 * Reads an error of a relay or of OpenRouter (protocols §2.1, §2.2).
 * Relays often turn an upstream's 400 into 429 or 500. Both may send an error with status 200; OpenRouter's code is the
 * real status then.
 */
export const readRelayError: ErrorReader = (body, status) => {
  const own = readOpenaiError(body, status)
  const maker = makerError.safeParse(body).data?.error.metadata
  const said = maker ? { ...own, ...makersWords(maker.raw, status), isBehind: true } : own
  const { message = '', code = '', type = '', param = '' } = said
  if (said.kind) return said
  if (flaggedError.safeParse(body).success) return { ...said, moderated: true }
  // Other prohibitions come from a model's maker and do not concern the account at OpenRouter.
  if (forbiddenError.safeParse(body).success)
    return /\bblocked\b/i.test(message) ? { ...said, moderated: true } : { ...said, isBehind: true }
  const lies = status < 300 || status === 429 || status >= 500
  if (lies && USER_FAULTS.includes(type) && param !== '') return { ...said, status: 400 }
  const meant = [own.code ?? '', code].find((each) => /^[45]\d\d$/.test(each))
  return status < 300 && meant !== undefined ? { ...said, status: Number(meant) } : said
}

/** The maker's own error; empty if OpenRouter passes none on. */
function makersWords(raw: unknown, status: number): ErrorReport {
  if (raw === undefined || raw === '') return {}
  const body = typeof raw === 'string' ? parsedOr(raw) : raw
  if (typeof body === 'string') return { message: body }
  const { message, code, type, param } = readOpenaiError(body, status)
  return { ...(message ? { message } : {}), code, type, param }
}
