import type { Handler } from 'hono'
import { generateOptions, receiverOf } from './generate-options'
import { type App, requestContextOf } from '../context'
import { comingShutdown } from '../upstreams/retirement'
import { deliver } from '../delivery/deliver'
import { failureResponse } from '../delivery/failure-response'
import type { Dialect, RenderedError } from '../dialects/dialect'
import { Intake } from '../dialects/intake'
import { type Failure, throwIfRefused, unwrap } from '../runtime/errors'
import type { Obtained } from '../generation/task'
import type { ImageRequest } from '../image/request'
import { identifyCaller } from '../credentials/caller'
import { admit, countFree } from './admission-lease'
import { refuseDisallowed } from '../limits/limits'
import type { LimitStatus } from '../limits/limit-status'
import type { FreeAnswers } from '../ledger/usage'
import { passText } from '../text/pass'
import { fitToBest } from '../upstreams/able'
import { modelMeant } from '../upstreams/names'

/** The gateway: one request of a client, from its key to its image, in the words of its dialect. */
export const serve = <Options>(dialect: Dialect<Options>): Handler<App> =>
  async function serve(c) {
    const startedMs = Date.now()
    const [config, requestId] = [c.get('config'), c.get('requestId')]
    let standings: LimitStatus[] = []
    let options: Options | undefined
    let intake: Intake | undefined
    let generation: string | undefined
    try {
      const caller = identifyCaller(dialect.apiKey(c), config)
      const admission = await admit(caller, requestContextOf(c))
      standings = admission.limitStatuses
      throwIfRefused(admission.refusal)
      intake = new Intake(c, caller.team)
      const passed = dialect.text && (await passText(dialect.text, intake, { c, admission, startedMs }))
      if (passed) return passed
      const { job, ...parsed } = await dialect.parse(intake)
      options = parsed.options
      const { request, adjustments } = unwrap(fitToBest(parsed, config, Date.now()))
      const isStrict = c.req.header('x-strict') === 'true'
      if (isStrict) throwIfRefused(adjustments[0]?.refusal)
      throwIfRefused(refuseDisallowed(request, admission.limits, modelMeant(config, Date.now())))

      const manner = { receiver: receiverOf(job, dialect, parsed.options), isStrict }
      const { mayServeFromCache, ...asking } = await generateOptions(request, admission, c, manner)
      generation = asking.ask.task.id
      const { creditsPerUsd, catalogue } = config
      const shutdown = comingShutdown(request.model, catalogue, startedMs)
      const told = { requestId, startedMs, adjustments, standings, shutdown, creditsPerUsd, ...asking }
      const count = (answer: Obtained): void => {
        if (answer.origin !== 'MISS') countFree(caller, admission, freeAnswer(request, answer), requestContextOf(c))
      }
      return await deliver({ c, dialect, options: parsed.options, told, job, mayServeFromCache, count })
    } catch (error) {
      const word = (failure: Failure): RenderedError => dialect.renderError(failure, requestId, options, generation)
      return failureResponse(error, word, requestId, standings)
    } finally {
      intake?.release()
    }
  }

/** An answer that cost nothing, as its team counts it. */
const freeAnswer = ({ model }: ImageRequest, { record, origin }: Obtained): FreeAnswers => ({
  model,
  upstream: record.upstream.name,
  hits: Number(origin === 'HIT'),
  joins: Number(origin === 'JOINED'),
  saved: record.cost ?? 0,
})
