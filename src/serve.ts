import type { Handler } from 'hono'
import { askOf } from './ask'
import { fit } from './catalog/fit'
import { type App, visitOf } from './context'
import { deliver } from './delivery/deliver'
import { failureResponse } from './delivery/failure'
import type { Dialect } from './dialects/dialect'
import { Intake } from './dialects/intake'
import { type Failure, GatewayError, unwrap } from './errors'
import type { Obtained } from './generation/task'
import type { ImageRequest } from './image/request'
import { identify } from './team/caller'
import { admit, countFree } from './team/lease'
import { refuseAsked } from './team/limits'
import type { Standing } from './team/standing'
import type { FreeAnswers } from './team/usage'
import { meantBy } from './upstreams/choose'

/** The gateway: one request of a client, from its key to its image, in the words of its dialect. */
export const serve = <Wants>(dialect: Dialect<Wants>): Handler<App> =>
  async function serve(c) {
    const startedMs = Date.now()
    const [config, requestId] = [c.get('config'), c.get('requestId')]
    let standings: Standing[] = []
    try {
      const caller = identify(dialect.apiKey(c), config)
      const admission = await admit(caller, visitOf(c))
      standings = admission.standings
      refuse(admission.refusal)
      const { wants, ...asked } = await dialect.parse(new Intake(c))
      const { request, adjustments } = unwrap(fit(asked, config.catalogue))
      if (c.req.header('x-strict') === 'true') refuse(adjustments[0]?.refusal)
      refuse(refuseAsked(request, admission.limits, (name) => meantBy(name, config)?.model))

      const { isNearEnough, ...asking } = await askOf(request, admission, c)
      const { creditsPerUsd } = config
      const told = { requestId, startedMs, adjustments, standings, creditsPerUsd, ...asking }
      const count = (answer: Obtained): void => {
        if (answer.origin !== 'MISS') countFree(caller, admission, freeAnswer(request, answer), visitOf(c))
      }
      return await deliver({ c, dialect, wants, told, isNearEnough, count })
    } catch (error) {
      return failureResponse(error, dialect.renderError, requestId, standings)
    }
  }

function refuse(failure: Failure | undefined): void {
  if (failure) throw new GatewayError(failure)
}

/** An answer that cost nothing, as its team counts it. */
const freeAnswer = ({ model }: ImageRequest, { record, origin }: Obtained): FreeAnswers => ({
  model,
  upstream: record.upstream.name,
  hits: Number(origin === 'HIT'),
  joins: Number(origin === 'JOINED'),
  saved: record.cost ?? 0,
})
