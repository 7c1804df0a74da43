import type { Context, Handler } from 'hono'
import { fit } from './catalog/fit'
import { type App, visitOf } from './context'
import { failureResponse } from './delivery/failure'
import { type Freshness, freshnessOf } from './delivery/freshness'
import { answerHeaders } from './delivery/headers'
import { whole } from './delivery/whole'
import type { Dialect } from './dialects/dialect'
import { Intake } from './dialects/intake'
import { type Failure, GatewayError, unwrap } from './errors'
import { forget, obtain } from './generation/obtain'
import type { Obtained, Task } from './generation/task'
import { fingerprint, type ImageRequest } from './image/request'
import * as links from './store/links'
import * as records from './store/records'
import type { Standing } from './team/standing'
import type { Admission } from './team/admission'
import { admit, countFree } from './team/lease'
import { identify } from './team/caller'
import { refuseAsked } from './team/limits'
import type { FreeAnswers } from './team/usage'
import { candidates, meantBy } from './upstreams/choose'

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
      const asked = await dialect.parse(new Intake(c))
      const { request, adjustments } = unwrap(fit(asked, config.catalogue))
      if (c.req.header('x-strict') === 'true') refuse(adjustments[0]?.refusal)
      refuse(refuseAsked(request, admission.limits, (name) => meantBy(name, config)?.model))

      const freshness = freshnessOf(c.req.header('cache-control'), startedMs)
      const task = taskOf(request, admission, freshness, c)
      const { creditsPerUsd } = config
      const told = { requestId, startedMs, request, adjustments, freshness, standings, creditsPerUsd }
      const answer = await answered(task, freshness, c, async (obtained) => {
        const link = (key: string): string => links.link(new URL(c.req.url).origin, key, config, Date.now())
        const headers = answerHeaders(told, obtained, Date.now())
        const onMissing = (key: string): Promise<void> => forget(c.env.GENERATIONS, key)
        return await whole(dialect.render(obtained.record, asked.wants, link), c.env.IMAGES, headers, onMissing)
      })
      if (answer.origin !== 'MISS') countFree(caller, admission, freeAnswer(request, answer), visitOf(c))
      return answer.response
    } catch (error) {
      return failureResponse(error, dialect.renderError, requestId, standings)
    }
  }

function refuse(failure: Failure | undefined): void {
  if (failure) throw new GatewayError(failure)
}

/** What its generation is asked to do; the fingerprint is its name, so that equal requests meet there. */
function taskOf(request: ImageRequest, { payer, era }: Admission, { keep }: Freshness, c: Context<App>): Task {
  const { cacheScope, upstreams } = c.get('config')
  const team = era === 0 ? payer.team : `${payer.team} ${era}`
  const sharedBy = cacheScope === 'team' ? `team ${team}` : 'shared'
  // A stand-in's picture must not outlive the day on which a real upstream is configured.
  const scope = candidates(upstreams, request.model).some(({ upstream }) => upstream.standIn)
    ? `stand-in ${sharedBy}`
    : sharedBy
  const name = keep ? fingerprint(request, scope) : crypto.randomUUID().replaceAll('-', '')
  return { id: `gen_${name}`, request, requestId: c.get('requestId'), shared: keep, payer }
}

interface Answer extends Obtained {
  response: Response
}

/** Obtains an answer and delivers it; of one that has outlived its images, whatever was made after it will do. */
async function answered(
  task: Task,
  freshness: Freshness,
  c: Context<App>,
  deliver: (obtained: Obtained) => Promise<Response | undefined>,
): Promise<Answer> {
  const first = (await recall(task, freshness, c)) ?? (await obtain(c.env.GENERATIONS, task, freshness.madeSinceMs))
  const response = await deliver(first)
  if (response) return { ...first, response }
  const second = await obtain(c.env.GENERATIONS, task, first.record.createdMs + 1)
  const remade = await deliver(second)
  if (remade) return { ...second, response: remade }
  throw new GatewayError(GONE)
}

/** An answer that cost nothing, as its team counts it. */
const freeAnswer = ({ model }: ImageRequest, { record, origin }: Obtained): FreeAnswers => ({
  model,
  upstream: record.upstream.name,
  hits: Number(origin === 'HIT'),
  joins: Number(origin === 'JOINED'),
  saved: record.cost ?? 0,
})

const GONE: Failure = {
  code: 'unavailable',
  message: 'The image was made but cannot be found. Try again in a moment.',
  retryAfterMs: 2000,
}

/** The near copy of a finished generation, where it is fresh enough. */
async function recall({ id }: Task, { use, madeSinceMs }: Freshness, c: Context<App>): Promise<Obtained | undefined> {
  if (!use) return undefined
  const record = await records.get(c.env.CACHE, id)
  return record && record.createdMs >= madeSinceMs ? { record, origin: 'HIT' } : undefined
}
