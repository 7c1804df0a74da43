import type { Context, Handler } from 'hono'
import type { Fitted } from '../catalog/fit'
import type { Config } from '../config'
import { type App, requestContextOf } from '../context'
import { type Caller, identifyCaller, sentKey } from '../credentials/caller'
import { answerFromCache, answerFromGeneration } from '../delivery/answer'
import { deliver, deliverWhole } from '../delivery/deliver'
import { deliveryFor } from '../delivery/delivery-context'
import { failureResponse } from '../delivery/failure-response'
import { respondWithJob } from '../delivery/respond-with-job'
import type { Dialect, JobRequest, RenderedError } from '../dialects/dialect'
import { Intake } from '../dialects/intake'
import type { PictureSource } from '../dialects/picture-source'
import { planRun } from '../generation/plan'
import type { Obtained } from '../generation/task'
import { USUAL_INPUT_TYPES } from '../image/input-kind'
import type { ImageRequest } from '../image/request'
import type { FreeAnswers } from '../ledger/usage'
import type { Admission } from '../limits/admission'
import type { LimitStatus } from '../limits/limit-status'
import { refuseForGood } from '../limits/admission'
import { refuseDisallowed } from '../limits/limits'
import { type Failure, throwIfRefused, unwrap } from '../failures/errors'
import { passText } from '../text/pass'
import { modelResolver } from '../upstreams/names'
import { comingShutdown } from '../upstreams/retirement'
import { planRoute, type RoutePlan } from '../upstreams/route-plan'
import { admit, countFree, countImages } from './admission-lease'
import { generateOptions, jobWishes } from './generate-options'
import { hopsOf } from './hops'

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
  const [config, startedMs] = [c.get('config'), Date.now()]

  // Admit.
  c.set('hops', hopsOf(c))
  const caller = identifyCaller(sentKey(c.req), config)
  const admission = await admit(caller, requestContextOf(c))
  known.limitStatuses = admission.limitStatuses
  throwIfRefused(admission.refusal)

  // Parse. Text models take another way from here.
  const intake = (known.intake = intakeOf(c, admission))
  const passed = dialect.text && (await passText(dialect.text, intake, { c, admission, startedMs }))
  if (passed) return passed
  const { job, options, ...asked } = await dialect.parse(intake)
  known.options = options

  // Fit, and fetch the pictures of an accepted request.
  const isStrict = c.req.header('x-strict') === 'true'
  const fitAll = <Input>(each: Fitted<Input>): RoutePlan<Input> => fitted(each, isStrict, admission, config)
  const plan = await withInputs(fitAll(asked), intake, fitAll)
  return await answered(dialect, c, known, { caller, admission, intake, plan, isStrict, job, options, startedMs })
}

/** A request that was accepted, and what its answer needs. */
interface AcceptedRequest<Options> {
  job: JobRequest | undefined
  options: Options
  caller: Caller
  admission: Admission
  intake: Intake
  plan: RoutePlan
  isStrict: boolean
  startedMs: number
}

/** Answers an accepted request: from KV, or by its generation. Throws GatewayError. */
async function answered<Options>(
  dialect: Dialect<Options>,
  c: Context<App>,
  known: Known<Options>,
  { caller, admission, intake, plan, isStrict, job, options, startedMs }: AcceptedRequest<Options>,
): Promise<Response> {
  const [config, requestId, { limitStatuses }] = [c.get('config'), c.get('requestId'), admission]
  const arrival = { arrivedMs: startedMs, incarnation: admission.incarnation }
  const isFresh = admission.fresh || intake.isFresh
  const wishes = { ...jobWishes(job, dialect, options, arrival), isStrict, isFresh }
  const { mayServeFromCache, ...requested } = await generateOptions(plan, admission, c, wishes)
  known.generation = requested.generate.task.id

  const { request, adjustments } = plan
  const count = (answer: Obtained): void => {
    if (answer.origin === 'MISS') return countImages(caller, answer.record.images.length)
    countFree(caller, admission, freeAnswer(request, answer), requestContextOf(c))
    c.executionCtx.waitUntil(intake.pictures.takeBack())
  }
  const shutdown = comingShutdown(request.model, config.catalogue, startedMs)
  const { creditsPerUsd } = config
  const meta = { ...requested, requestId, startedMs, adjustments, limitStatuses, shutdown, creditsPerUsd }
  const delivery = deliveryFor(dialect, options, { c, job, meta, count })
  const isJob = delivery.preference.waitMs === 0

  // Look into KV.
  const cached = mayServeFromCache && !isJob ? await answerFromCache(delivery) : undefined
  if (cached) return deliverWhole(delivery, cached)

  // Ask the Generation object, and deliver.
  await intake.pictures.handOver()
  return isJob ? await respondWithJob(delivery) : await deliver(delivery, answerFromGeneration(delivery))
}

/** The intake of an admitted request. Limits that never allow an image refuse its pictures before they are read. */
const intakeOf = (c: Context<App>, { payer, limits, limitStatuses }: Admission): Intake =>
  new Intake(c, { ...payer, limits, noPictures: refuseForGood(limitStatuses, { images: 1, quote: 0 }) })

/** Fits a request to its best candidate, within the limits of its key and team. Throws GatewayError. */
function fitted<Input>(
  asked: Fitted<Input>,
  isStrict: boolean,
  { limits, limitStatuses }: Admission,
  config: Config,
): RoutePlan<Input> {
  const nowMs = Date.now()
  const plan = unwrap(planRoute(asked, config, nowMs))
  const { request } = plan
  if (isStrict) throwIfRefused(plan.adjustments[0]?.refusal)
  throwIfRefused(refuseDisallowed(request, limits, modelResolver(config, nowMs)))
  // Without pictures, a stored answer may still serve a key that can never have a new one.
  if (request.operation === 'edit')
    throwIfRefused(
      refuseForGood(limitStatuses, { images: request.n, quote: planRun({ request }, config, nowMs).quote }),
    )
  return plan
}

/** Fetches the pictures, and fits anew for types that only some upstreams take. Throws GatewayError. */
async function withInputs(
  plan: RoutePlan<PictureSource>,
  { pictures }: Intake,
  fitAnew: (asked: Fitted) => RoutePlan,
): Promise<RoutePlan> {
  const request = await pictures.fetched(plan.request)
  return hasUnusualInput(request) ? fitAnew({ request, adjustments: plan.adjustments }) : { ...plan, request }
}

const hasUnusualInput = ({ images, mask, markup }: ImageRequest): boolean =>
  [...images, mask, markup].some((input) => input && !USUAL_INPUT_TYPES.includes(input.mediaType))

/** The count of an answer that costs its team nothing. */
const freeAnswer = ({ model }: ImageRequest, { record, origin }: Obtained): FreeAnswers => ({
  model,
  upstream: record.upstream.name,
  hits: Number(origin === 'HIT'),
  joins: Number(origin === 'JOINED'),
  saved: record.cost ?? 0,
})
