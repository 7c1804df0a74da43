import type { Context } from 'hono'
import type { App } from '../context'
import type { TextRequest } from '../providers/provider'
import type { Admission } from '../limits/admission'
import type { Candidate } from '../upstreams/candidates'
import type { TopLevel } from './top-level'

/** A request for a text model, with the upstreams for it. */
export interface TextPlan {
  topLevel: TopLevel
  /** The fields of the request that limit the length of its answer. */
  outputLimits: readonly string[]
  /** The gateway's name of the model. */
  model: string
  /** Tried in this order. */
  candidates: readonly [Candidate, ...Candidate[]]
  /** Makes the request for one candidate; a body is sent only once. Throws StoreError. */
  requestFor: (candidate: Candidate) => Promise<TextRequest>
}

/** The client's request and its admission. */
export interface TextCaller {
  c: Context<App>
  admission: Admission
  /** The arrival of the request, in ms since 1970. */
  startedMs: number
}
