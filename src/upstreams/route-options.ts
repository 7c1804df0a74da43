import type { ProviderError } from '../providers/provider'
import type { Candidate } from './candidates'
import type { FailedRequest } from './trouble'

/** A slot that an account has granted to a request. */
export interface Slot<Served extends Candidate> {
  candidate: Served
  /** The id by which the account frees the slot. */
  id: string
  /** The moment when the slot was granted, in ms since 1970. */
  sinceMs: number
}

/** A result that an earlier process lost; without a candidate, the settings have changed or the process has died. */
export interface LossBefore<Served extends Candidate> {
  candidate?: Served | undefined
  /** Whether its answer could not be used. */
  isUnusable?: true | undefined
}

/** The options of a route. */
export interface RouteOptions<Served extends Candidate> {
  accounts: Env['ACCOUNTS']
  candidates: readonly Served[]
  /** The number of adaptations for a candidate; lower comes first. */
  distance?: (candidate: Served) => number
  /** The payer and the request, by which accounts keep its outcomes. */
  source: FailedRequest
  /** The prefix of the slots' ids. */
  id: string
  /** The end of the time for starting calls, in ms since 1970. */
  untilMs: number
  /** The longest wait for busy accounts, in ms. */
  patienceMs: number
  /** Whether the request waits out the cooldown of an account, within its patience. */
  waitsOutCooldown?: boolean
  /** Aborted when the answer is no longer wanted. */
  cancel: AbortSignal
  /** The `steps` of an earlier process. */
  before?: string | undefined
  /** The losses of earlier processes, which count towards the most of a request. */
  lostBefore?: readonly LossBefore<Served>[]
  /** Receives each failure. */
  onFailure: (candidate: Served, error: ProviderError) => void
}
