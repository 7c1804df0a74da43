import type { Context, Handler } from 'hono'
import { type Adjustment, fit } from './catalog/fit'
import type { App } from './context'
import { failureResponse } from './delivery/failure'
import { type Freshness, freshnessOf } from './delivery/freshness'
import { answerHeaders } from './delivery/headers'
import { whole } from './delivery/whole'
import type { Dialect } from './dialects/dialect'
import { Intake } from './dialects/intake'
import { type Failure, GatewayError, unwrap } from './errors'
import type { Obtained } from './generation/generation'
import { forget, obtain } from './generation/obtain'
import type { Task } from './generation/run'
import { fingerprint, type ImageRequest } from './image/request'
import type { ImageRecord } from './image/record'
import * as links from './store/links'
import * as records from './store/records'
import { type Caller, identify } from './team/caller'
import { candidates } from './upstreams/choose'

/** The gateway: one request of a client, from its key to its image, in the words of its dialect. */
export const serve = <Wants>(dialect: Dialect<Wants>): Handler<App> =>
  async function serve(c) {
    const startedMs = Date.now()
    const [config, requestId] = [c.get('config'), c.get('requestId')]
    try {
      const caller = identify(dialect.apiKey(c), config)
      const asked = await dialect.parse(new Intake(c))
      const { request, adjustments } = unwrap(fit(asked, config.catalogue))
      if (c.req.header('x-strict') === 'true') refuseAny(adjustments)

      const freshness = freshnessOf(c.req.header('cache-control'), startedMs)
      const task = taskOf(request, caller, freshness, c)
      const deliver = async ({ record, origin }: Obtained): Promise<Response | undefined> => {
        const link = (key: string): string => links.link(new URL(c.req.url).origin, key, config, Date.now())
        const cache = origin === 'MISS' && !freshness.use ? 'BYPASS' : origin
        const notes = [...adjustments.map(({ note }) => note), ...shortfall(request, record)]
        const headers = answerHeaders({ requestId, record, cache, notes, startedMs, nowMs: Date.now() })
        const onMissing = (key: string): Promise<void> => forget(c.env.GENERATIONS, key)
        return await whole(dialect.render(record, asked.wants, link), c.env.IMAGES, headers, onMissing)
      }
      const answer =
        (await recall(task, freshness, c)) ?? (await obtain(c.env.GENERATIONS, task, freshness.madeSinceMs))
      const delivered = await deliver(answer)
      if (delivered) return delivered
      // The record has outlived its images: whatever was made after it will do.
      const remade = await deliver(await obtain(c.env.GENERATIONS, task, answer.record.createdMs + 1))
      if (remade) return remade
      throw new GatewayError(GONE)
    } catch (error) {
      return failureResponse(error, dialect.renderError, requestId)
    }
  }

const GONE: Failure = {
  code: 'unavailable',
  message: 'The image was made but cannot be found. Try again in a moment.',
  retryAfterMs: 2000,
}

/** For callers who want nothing adapted (`X-Strict`): the first thing that would be is refused. */
function refuseAny([adjustment]: Adjustment[]): void {
  if (adjustment) throw new GatewayError(adjustment.refusal)
}

/** An upstream that made fewer images than asked for is not passed over in silence. */
const shortfall = ({ n }: ImageRequest, { images }: ImageRecord): string[] =>
  images.length < n ? [`n=${n}>${images.length}`] : []

/** What its generation is asked to do; the fingerprint is its name, so that equal requests meet there. */
function taskOf(request: ImageRequest, { team }: Caller, { keep }: Freshness, c: Context<App>): Task {
  const { cacheScope, upstreams } = c.get('config')
  const sharedBy = cacheScope === 'team' ? `team ${team}` : 'shared'
  // A stand-in's picture must not outlive the day on which a real upstream is configured.
  const scope = candidates(upstreams, request.model).some(({ upstream }) => upstream.standIn)
    ? `stand-in ${sharedBy}`
    : sharedBy
  const name = keep ? fingerprint(request, scope) : crypto.randomUUID().replaceAll('-', '')
  return { id: `gen_${name}`, request, requestId: c.get('requestId'), shared: keep }
}

/** The near copy of a finished generation, where it is fresh enough. */
async function recall({ id }: Task, { use, madeSinceMs }: Freshness, c: Context<App>): Promise<Obtained | undefined> {
  if (!use) return undefined
  const record = await records.get(c.env.CACHE, id)
  return record && record.createdMs >= madeSinceMs ? { record, origin: 'HIT' } : undefined
}
