import type { ProviderError } from '../providers/provider'
import type { Candidate } from './candidates'

/** An account that has taken a request. */
export interface Slot<Served extends Candidate> {
  candidate: Served
  /** By which it is given back. */
  id: string
  /** When it was taken, in ms since 1970. */
  sinceMs: number
}

/** What a request is routed by. */
export interface RouteOptions<Served extends Candidate> {
  accounts: Env['ACCOUNTS']
  candidates: readonly Served[]
  /** How far what a candidate would be asked for is from what was asked for; lower comes first. */
  distance?: (candidate: Served) => number
  /** Of which each seat's id is made. */
  id: string
  /** Until when another one is asked, in ms since 1970. */
  untilMs: number
  /** For how long it waits where all are busy, in ms. */
  patienceMs: number
  /** Whether it sits out the rest of an account that wants to be left alone, as long as that ends within its patience. */
  waitsOutCooldown?: boolean
  /** Aborted when nobody wants an answer any more. */
  cancel: AbortSignal
  /** What came of those whom an earlier process had asked, as `steps` told it. */
  before?: string | undefined
  /** Is told of each failure. */
  onFailure: (candidate: Served, error: ProviderError) => void
}
