import { unwrap } from '../runtime/errors'
import { submit } from '../generation/generations'
import { askTeam } from '../team/ask-team'
import { type DeliveryContext, renderContextFor } from './delivery-context'
import { generalHeaders, REPLAYED } from './headers'
import { retryHeaders, wordedStatus } from './job-status'
import { limitHeaders } from '../wire/limit-headers'

/** Answers a request by where its answer will be (RFC 7240 §4.1). Throws GatewayError. */
export async function respondWithJob<Options>(
  errand: DeliveryContext<Options>,
  applied: string | undefined,
): Promise<Response> {
  const { c, dialect, options, told, count } = errand
  const { ask } = told
  const { id, payer } = ask.task
  const form = { dialect: dialect.id, wants: JSON.stringify(options) }
  const { snapshot, record } = await submit(c.env.GENERATIONS, ask, form)
  if (record) count({ record, origin: 'HIT' })
  const found = unwrap(await askTeam(c.env, payer.team, async (team) => await team.find(id, snapshot.model)))
  const status = { snapshot, found }
  const headers = {
    ...generalHeaders(told),
    ...limitHeaders(told.standings),
    ...retryHeaders(status, Date.now()),
    location: `/v1/generations/${id}`,
    ...(applied === undefined ? {} : { 'preference-applied': applied }),
    ...(ask.isReplay ? REPLAYED : {}),
  }
  // Whose body asks for it has words for it.
  const own = errand.job && dialect.renderJob?.(renderContextFor(errand), options)
  return own === undefined ? c.json(wordedStatus(status, c), 202, headers) : Response.json(own, { headers })
}
