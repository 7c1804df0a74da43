import * as z from 'zod'
import { type Health, NEW } from './health'
import { CALM } from './trouble'

const optionalMs = z.number().optional()
const cause = z.enum(['failures', 'forbidden', 'misplaced']).default('failures')
const troubleSchema = z.object({
  failures: z.number(),
  weight: z.number().default(0),
  openUntilMs: z.number(),
  openings: z.number(),
  sinceMs: optionalMs,
  cause,
})
const payerTrouble = troubleSchema.extend({
  request: z.string(),
  share: z.number(),
  probingUntilMs: z.number(),
  atMs: z.number(),
})
const modelRest = z.object({
  reason: z.enum(['without-model', 'cooling']),
  untilMs: z.number(),
  times: z.number(),
})

const storedHealth = z
  .object({
    outMs: optionalMs,
    // A row of an earlier version has no next try, and is tried at once.
    disabled: z
      .object({
        sinceMs: z.number(),
        status: z.number().optional(),
        untilMs: z.number().default(0),
        times: z.number().default(0),
      })
      .optional(),
    cooling: z.object({
      untilMs: z.number(),
      times: z.number(),
      sinceMs: optionalMs,
      isLong: z.boolean().optional(),
    }),
    trouble: troubleSchema.extend({ payer: z.string().optional() }).default(CALM),
    payers: z.record(z.string(), payerTrouble).default({}),
    probingUntilMs: z.number(),
    proven: z.boolean(),
    models: z.record(z.string(), modelRest).default({}),
    /** The ends of the belief that the account lacks a model, in rows of earlier versions. */
    without: z.record(z.string(), z.number()).default({}),
  })
  .transform(({ without, ...health }): Health => {
    const lacking = Object.entries(without).map(
      ([model, untilMs]) => [model, { reason: 'without-model' as const, untilMs, times: 1 }] as const,
    )
    return { ...health, models: { ...Object.fromEntries(lacking), ...health.models } }
  })

/** The stored health of an account, also in the form of an earlier version. A new account has none. */
export const healthFrom = (stored: unknown): Health => (stored === undefined ? NEW : storedHealth.parse(stored))
