import { submit } from '../generation/generations'
import { unwrap } from '../failures/errors'
import type { JobFacts } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
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
  const { snapshot, record, facts } = await submit(c.env.GENERATIONS, generate, jobForm())
  endFresh(delivery, 'answered')
  if (record) count({ record, origin: 'HIT' })
  const status = { snapshot, known: facts ?? (await factsOfTeam(c.env, payer.team, snapshot)) }
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

/** Has a team know a job without an order of its own, and returns its facts. Never throws: the job would be submitted again. */
async function factsOfTeam(env: Env, team: string, { id, model }: Snapshot): Promise<JobFacts> {
  try {
    return unwrap(await askTeam(env, team, async (stub) => await stub.find(id, { model })))
  } catch (error) {
    log('status-incomplete', { generation: id, team, ...describe(error) })
    return { ordersBefore: undefined, usualMs: undefined }
  }
}
