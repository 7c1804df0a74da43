import type { Context } from 'hono'
import type { App } from '../context'
import type { TextRequest } from '../providers/provider'
import type { Admission } from '../limits/admission'
import type { Candidate } from '../upstreams/candidates'
import type { TopLevel } from './top-level'

/** A request for a text model that is understood, as far as it has to be. */
export interface Wanted {
  said: TopLevel
  /** The fields of it that limit its answer. */
  limitedBy: readonly string[]
  /** By our name. */
  model: string
  /** Who may serve it, in the order in which they are tried. */
  candidates: readonly [Candidate, ...Candidate[]]
  /** What one of them is sent: anew for each, since a body is sent once. Throws StoreError. */
  requestFor: (candidate: Candidate) => Promise<TextRequest>
}

/** Who comes with it. */
export interface Visitor {
  c: Context<App>
  admission: Admission
  /** When it came, in ms since 1970. */
  startedMs: number
}
