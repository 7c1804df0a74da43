import * as z from 'zod'
import type { ImageRequest } from '../../image/request'
import type { ErrorReader } from './error-report'
import { callUpstream, readingImage, type UpstreamRequest } from './http'
import { readPictures } from './json-pictures'
import { mergedSummary } from './openai-events'
import { openaiSummary, revisedPrompts } from './openai-reply'
import { type JobState, pollJob, UnknownJob } from './poll'
import { ProviderError, type ProviderEvent, type Summary, type Upstream, type Work } from '../provider'
import { stateAddresses, failureIn, relayTask, standingIn } from './relay-task'
import { retryAfterMs } from './retry-after'
import { answerIn, readTask } from './task-pictures'
import { errorOfReport, errorOfResponse, mentionsModeration } from './upstream-error'

/** The longest interval between two reads of a task, in ms. Relays advise about this one. */
const POLL_MS = 3000

/** The tasks that a relay began for one request. */
const taskJob = z.object({ tasks: z.array(relayTask).min(1) })
type TaskJob = z.infer<typeof taskJob>

export const parseTaskJob = (job: string): TaskJob => taskJob.parse(JSON.parse(job))

/** The upstream of a task. */
export interface TaskEndpoint {
  upstream: Upstream
  account: UpstreamRequest['account']
  readError?: ErrorReader | undefined
}

interface FinishedTask {
  address: string
  embedded: number
  links: string[]
  summary: Summary
}

/**
 * The pictures of tasks at a relay (protocols §6.14), after a first wait of `waitMs`. No request begins a task.
 * The pictures of some tasks are kept when others fail. Throws ProviderError.
 */
export async function* taskPictures(
  { tasks }: TaskJob,
  { n }: Pick<ImageRequest, 'n'>,
  endpoint: TaskEndpoint,
  work: Work,
  waitMs?: number,
): AsyncGenerator<ProviderEvent, void> {
  const made: Summary[] = []
  const failures: unknown[] = []
  let index = 0
  for (const [at, task] of tasks.entries()) {
    const share = { from: (100 * at) / tasks.length, of: 1 / tasks.length }
    try {
      const look = taskReader(
        stateAddresses(task, endpoint.upstream),
        endpoint,
        work,
        share,
        at === 0 ? waitMs : undefined,
      )
      const finished = yield* pollJob(work, POLL_MS, look)
      yield* picturesFrom(finished, index, endpoint, work)
      index += finished.embedded + finished.links.length
      made.push(finished.summary)
    } catch (error) {
      if (work.signal.aborted) throw error
      failures.push(error)
    }
  }
  if (made.length === 0) throw failures[0]
  // Some models make one picture whatever was asked (protocols §6.14).
  const mostPerCall = failures.length === 0 && index < n ? index : undefined
  yield { type: 'summary', summary: { ...mergedSummary(made), mostPerCall } }
}

/** Reads a task at the first address that knows it. The first read only asks for the wait, if there is one. */
function taskReader(
  addresses: readonly string[],
  endpoint: TaskEndpoint,
  work: Work,
  { from, of }: { from: number; of: number },
  firstWaitMs: number | undefined,
): () => Promise<JobState<FinishedTask>> {
  let at = 0
  let waitMs = firstWaitMs
  return async () => {
    const before = { waitMs }
    waitMs = undefined
    if (before.waitMs !== undefined) return before
    const address = addresses[at % addresses.length] ?? ''
    try {
      const state = await readState(address, endpoint, work)
      return 'percent' in state && state.percent !== undefined
        ? { ...state, percent: from + of * state.percent }
        : state
    } catch (error) {
      if (!(error instanceof ProviderError) || !isUnknown(error)) throw error
      at += 1
      throw new UnknownJob()
    }
  }
}

/** Statuses of a missing route or object (RFC 9110 §15.5). */
const NO_ROUTE_STATUSES = [404, 405, 410]

/** A relay may lack the route, or not know a new task yet. */
const isUnknown = (error: ProviderError): boolean =>
  error instanceof UnknownJob || NO_ROUTE_STATUSES.includes(error.facts.status ?? 0)

async function readState(address: string, endpoint: TaskEndpoint, work: Work): Promise<JobState<FinishedTask>> {
  const { upstream, account, readError } = endpoint
  const asked = { method: 'GET', account } as const
  const response = await callUpstream(upstream, work, address, asked, readError).catch(refusalOfRead)
  if (response instanceof ProviderError) return { failed: response }
  const { said, embedded, linked } = await readTask(response)
  const { standing, percent } = standingIn(said)
  if (standing === 'failed') return { failed: taskError(said, response, endpoint) }
  if (standing === 'running') return { percent, waitMs: retryAfterMs({}, response.headers) }
  const own = linked.filter(({ link }) => link !== address)
  const entries = [...embedded, ...own.map(({ entry }) => entry)]
  if (entries.length > 0) {
    const summary = { ...openaiSummary(answerIn(said)), revisedPrompts: revisedPrompts(said, entries) }
    return { done: { address, embedded: embedded.length, links: own.map(({ link }) => link), summary } }
  }
  switch (standing) {
    case 'done':
      return { failed: new ProviderError('lost', 'is done without a picture', { scope: 'request' }) }
    case 'unknown':
      return { percent, waitMs: retryAfterMs({}, response.headers) }
    case 'missing':
      if (NO_SUCH_TASK.test(failureIn(said).error.message)) throw new UnknownJob()
      throw new ProviderError('unavailable', 'does not say the state of its task')
  }
}

/** Words for an unknown task, in answers with a good status. */
const NO_SUCH_TASK = /not.?(?:found|exist)|不存在/i

/** A moderation's refusal is the outcome of the task, also as the status of the read. Other errors are thrown. */
function refusalOfRead(error: unknown): ProviderError {
  if (error instanceof ProviderError && error.facts.failure?.code === 'content_rejected') return error
  throw error
}

/** Words for refused content that OpenAI's errors do not have. */
const REFUSED = /敏感|违规|审核/

/** A failed task is refunded. Only a fault of the request ends the run. */
export function taskError(said: unknown, response: Response, { upstream, readError }: TaskEndpoint): ProviderError {
  const body = failureIn(said)
  const { message } = body.error
  if (mentionsModeration(message) || REFUSED.test(message))
    return errorOfReport({ kind: 'rejected', moderated: true, message }, upstream)
  const error = errorOfResponse(response, upstream, body, readError)
  return error.kind === 'rejected' ? error : new ProviderError('unavailable', 'failed to make the picture')
}

/** The pictures of a finished task. Base64 takes one more read, because the state was read without it. */
async function* picturesFrom(
  { address, embedded, links }: FinishedTask,
  first: number,
  { upstream, account, readError }: TaskEndpoint,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  if (embedded === 0) {
    for (const [at, link] of links.entries())
      yield { type: 'image', index: first + at, bytes: readingImage(work.download(link)) }
    return
  }
  const response = yield* pollJob(work, POLL_MS, async () => ({
    done: await callUpstream(upstream, work, address, { method: 'GET', account }, readError),
  }))
  for await (const event of readPictures(response, work))
    yield event.type === 'image' ? { ...event, index: first + event.index } : event
}
