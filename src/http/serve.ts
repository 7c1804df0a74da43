import type { Context, Handler } from 'hono'
import type { Fitted } from '../catalog/fit'
import type { Config } from '../config'
import { type App, requestContextOf } from '../context'
import { identifyCaller } from '../credentials/caller'
import { answerFromCache, answerFromGeneration } from '../delivery/answer'
import { deliver, deliverWhole } from '../delivery/deliver'
import { deliveryFor } from '../delivery/delivery-context'
import { failureResponse } from '../delivery/failure-response'
import { respondWithJob } from '../delivery/respond-with-job'
import type { Dialect, RenderedError } from '../dialects/dialect'
import { Intake } from '../dialects/intake'
import type { Obtained } from '../generation/task'
import type { ImageRequest } from '../image/request'
import type { FreeAnswers } from '../ledger/usage'
import type { Admission } from '../limits/admission'
import type { LimitStatus } from '../limits/limit-status'
import { refuseDisallowed } from '../limits/limits'
import { type Failure, throwIfRefused, unwrap } from '../failures/errors'
import { passText } from '../text/pass'
import { modelResolver } from '../upstreams/names'
import { comingShutdown } from '../upstreams/retirement'
import { planRoute, type RoutePlan } from '../upstreams/route-plan'
import { admit, countFree } from './admission-lease'
import { generateOptions, receiverOf } from './generate-options'

/** The facts that an error response needs, as far as they are known. */
interface Known<Options> {
  limitStatuses: LimitStatus[]
  options?: Options
  generation?: string
  intake?: Intake
}

/** The gateway: carries one request of a client from its key to its image, in the words of its dialect. */
export const serve = <Options>(dialect: Dialect<Options>): Handler<App> =>
  async function serve(c) {
    const requestId = c.get('requestId')
    const known: Known<Options> = { limitStatuses: [] }
    try {
      return await respond(dialect, c, known)
    } catch (error) {
      const render = (failure: Failure): RenderedError =>
        dialect.renderError(failure, requestId, known.options, known.generation)
      return failureResponse(error, render, requestId, known.limitStatuses)
    } finally {
      known.intake?.release()
    }
  }

/** The way of a request, from top to bottom. Throws GatewayError. */
async function respond<Options>(dialect: Dialect<Options>, c: Context<App>, known: Known<Options>): Promise<Response> {
  const [config, requestId, startedMs] = [c.get('config'), c.get('requestId'), Date.now()]

  // Admit.
  const caller = identifyCaller(dialect.apiKey(c), config)
  const admission = await admit(caller, requestContextOf(c))
  const limitStatuses = (known.limitStatuses = admission.limitStatuses)
  throwIfRefused(admission.refusal)

  // Parse. Text models take another way from here.
  const intake = (known.intake = new Intake(c, caller.team))
  const passed = dialect.text && (await passText(dialect.text, intake, { c, admission, startedMs }))
  if (passed) return passed
  const { job, options, ...asked } = await dialect.parse(intake)
  known.options = options

  // Fit.
  const isStrict = c.req.header('x-strict') === 'true'
  const plan = fitted(asked, isStrict, admission, config)
  const receiver = receiverOf(job, dialect, options)
  const { generate, freshness, mayServeFromCache } = await generateOptions(plan, admission, c, { receiver, isStrict })
  known.generation = generate.task.id

  const { request, adjustments } = plan
  const count = (answer: Obtained): void => {
    if (answer.origin !== 'MISS') countFree(caller, admission, freeAnswer(request, answer), requestContextOf(c))
  }
  const shutdown = comingShutdown(request.model, config.catalogue, startedMs)
  const { creditsPerUsd } = config
  const meta = { generate, freshness, requestId, startedMs, adjustments, limitStatuses, shutdown, creditsPerUsd }
  const delivery = deliveryFor(dialect, options, { c, job, meta, count })
  if (delivery.preference.waitMs === 0) return await respondWithJob(delivery)

  // Look into KV.
  const cached = mayServeFromCache ? await answerFromCache(delivery) : undefined
  if (cached) return deliverWhole(delivery, cached)

  // Ask the Generation object, and deliver.
  return await deliver(delivery, answerFromGeneration(delivery))
}

/** Fits a request to its best candidate, within the limits of its key and team. Throws GatewayError. */
function fitted(asked: Fitted, isStrict: boolean, { limits }: Admission, config: Config): RoutePlan {
  const plan = unwrap(planRoute(asked, config, Date.now()))
  if (isStrict) throwIfRefused(plan.adjustments[0]?.refusal)
  throwIfRefused(refuseDisallowed(plan.request, limits, modelResolver(config, Date.now())))
  return plan
}

/** The count of an answer that costs its team nothing. */
const freeAnswer = ({ model }: ImageRequest, { record, origin }: Obtained): FreeAnswers => ({
  model,
  upstream: record.upstream.name,
  hits: Number(origin === 'HIT'),
  joins: Number(origin === 'JOINED'),
  saved: record.cost ?? 0,
})
