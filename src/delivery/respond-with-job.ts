import { submit } from '../generation/generations'
import { unwrap } from '../failures/errors'
import { describe, log } from '../runtime/log'
import { askTeam } from '../team/ask-team'
import { limitHeaders } from '../wire/limit-headers'
import type { DeliveryContext } from './delivery-context'
import { endFresh } from './end-fresh'
import { generalHeaders, REPLAYED } from './headers'
import { retryHeaders, statusJson } from './job-status'

/** Submits a request as a job and responds with its status and location (RFC 7240 §4.1). Throws GatewayError. */
export async function respondWithJob(delivery: DeliveryContext): Promise<Response> {
  const { c, meta, preference, jobForm, renderJob, count } = delivery
  const { generate } = meta
  const { id, payer } = generate.task
  const { snapshot, record } = await submit(c.env.GENERATIONS, generate, jobForm())
  endFresh(delivery, 'answered')
  if (record) count({ record, origin: 'HIT' })
  const known = await askTeam(c.env, payer.team, async (team) => await team.find(id, { model: snapshot.model }))
    .then(unwrap)
    .catch((error: unknown) => {
      // The job is taken on: a failure would have it submitted again.
      log('status-incomplete', { generation: id, team: payer.team, ...describe(error) })
      return { ordersBefore: undefined, usualMs: undefined }
    })
  const status = { snapshot, known }
  const headers = {
    ...generalHeaders(meta),
    ...limitHeaders(meta.limitStatuses),
    ...retryHeaders(status, Date.now()),
    location: `/v1/generations/${id}`,
    ...(preference.applied === undefined ? {} : { 'preference-applied': preference.applied }),
    ...(generate.isReplay ? REPLAYED : {}),
  }
  const own = renderJob(record)
  return own === undefined ? c.json(statusJson(status, c), 202, headers) : Response.json(own, { headers })
}
