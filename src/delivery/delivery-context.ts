import type { Context } from 'hono'
import type { App } from '../context'
import type { Dialect, JobRequest } from '../dialects/dialect'
import { type RenderContext, renderContextOf } from '../dialects/render-context'
import type { Obtained } from '../generation/task'
import type { ResponseMeta } from './headers'

/** A request that is let in and understood, and how its answer is worded. */
export interface DeliveryContext<Options> {
  c: Context<App>
  dialect: Dialect<Options>
  options: Options
  told: ResponseMeta
  /** Set where its body asks for nothing but word of its generation. */
  job: JobRequest | undefined
  /** Whether the near copy of an answer will do, of which its generation hears nothing. */
  mayServeFromCache: boolean
  /** Is told of the answer as soon as it is there. */
  count: (answer: Obtained) => void
}

/** What its dialect may know of it. */
export function renderContextFor<Options>({
  c,
  told: { ask, requestId, startedMs },
}: DeliveryContext<Options>): RenderContext {
  const { id: generation, payer } = ask.task
  return renderContextOf({ team: payer.team, generation, requestId, startedMs }, c)
}
