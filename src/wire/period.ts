import * as z from 'zod'
import { checked } from '../failures/checked'
import { type Failure, GatewayError } from '../failures/errors'
import { dayOf } from '../runtime/calendar'
import { DAY_MS } from '../runtime/durations'
import type { ReportPeriod } from '../ledger/usage'

const day = z.iso.date('Use a day such as 2027-01-31.')
const periodQuery = z.object({ from: day.optional(), to: day.optional() })

/** Longer reports are requested in parts. */
const MAX_DAYS = 366

/** The days of a query (UTC, both included); the month so far without them. Throws GatewayError. */
export function periodOf(query: Record<string, string>, nowMs: number): ReportPeriod {
  const { from: first, to = dayOf(nowMs) } = checked(periodQuery, query)
  const from = first ?? `${to.slice(0, 7)}-01`
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS
  if (days < 0 || days > MAX_DAYS) throw new GatewayError(WRONG_PERIOD)
  return { from, to }
}

const WRONG_PERIOD: Failure = {
  code: 'invalid_request',
  message: `'from' is to be no later than 'to', and at most ${MAX_DAYS} days before it.`,
  param: 'from',
  reason: 'invalid_value',
}
