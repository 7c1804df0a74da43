import type { Config } from '../config'
import { type Failure, GatewayError, failed } from '../errors'
import { fetchImage } from '../image/source'
import type { ImageRecord, PartialImage, StoredImage } from '../image/record'
import { describe, log } from '../log'
import { ProviderError, type ProviderEvent, type Work } from '../providers/provider'
import * as images from '../store/images'
import * as inputs from '../store/inputs'
import { StoreError } from '../store/trouble'
import type { Served } from '../team/entry'
import { type Candidate, candidates } from '../upstreams/choose'
import { DeadlineExceeded, withDeadline } from './deadline'
import { failover } from './failover'
import { FAILED } from './failures'
import { isComplete, type Progress, type Received, recordOf, servedBy } from './progress'
import type { Outcome, Task } from './task'

/** A run of a generation, and what it works with. */
export interface Run {
  task: Task
  /** Distinguishes the images of this run from those of others of the same generation. */
  id: string
  env: Env
  config: Config
  /** Aborted with a GatewayError when nobody wants the images any more. */
  cancel: AbortSignal
  /** What an earlier process had come to, where an upstream has a job of its own for it. */
  before: Progress | undefined
  /** Is told when an upstream takes the request, and of every image that is stored. */
  note: (progress: Progress) => void
  /** Is told what is only worth knowing while the images are made. */
  tell: (news: News) => void
}

/** When an upstream was asked, in ms since 1970; how far it is, by its own account, in whole percent; or a preview of what it is making. */
export type News = { startedMs: number } | { percent: number } | PartialImage

/** Makes the images of a task: chooses upstreams and stores what they send. Never throws. */
export async function makeImages(run: Run): Promise<Outcome> {
  const { id: generation, requestId } = run.task
  let attempts = 0
  let last: Served | undefined
  const note = (progress: Progress): void => {
    last = servedBy(progress)
    run.note(progress)
  }
  try {
    const made = await failover(
      inTurn(run),
      (candidate) => {
        const { name, account } = candidate.upstream
        last = { name, account, model: candidate.model }
        // Each attempt has keys of its own: one that is past its deadline may still be writing.
        const id = `${run.id}${++attempts}`
        const before = attempts === 1 && run.before && isHis(candidate, run.before) ? run.before : undefined
        return attempt({ ...run, note, id, before }, candidate)
      },
      ({ upstream: { name, account }, model }, { kind, message, facts }) => {
        const { status, requestId: upstreamRequest, organization } = facts
        if (upstreamRequest) last = { name, account, model, requestId: upstreamRequest, organization }
        const failure = { kind, message, status, upstreamRequest: last?.requestId }
        log('attempt-failed', { generation, request: requestId, upstream: name, account, ...failure })
      },
    )
    return { made, attempts, last }
  } catch (error) {
    if (!run.cancel.aborted) log('run-failed', { generation, request: requestId, ...describe(error) })
    return { made: failed(failureOf(error)), attempts, last }
  }
}

/** Who has a job of an earlier process comes first, since that is paid for. */
function inTurn({ before, config, task }: Run): Candidate[] {
  const all = candidates(config.upstreams, task.request.model)
  return before ? all.toSorted((a, b) => Number(isHis(b, before)) - Number(isHis(a, before))) : all
}

const isHis = ({ upstream: { name, account }, model }: Candidate, { upstream, model: theirs }: Progress): boolean =>
  name === upstream.name && account === upstream.account && model === theirs

function failureOf(error: unknown): Failure {
  if (error instanceof GatewayError) return error.failure
  return error instanceof StoreError ? NOT_STORED : FAILED
}

/** The image may be paid for by then, so that asking again is for the caller to decide. */
const NOT_STORED: Failure = {
  code: 'unavailable',
  message: 'The gateway could not store the image. Try again in a moment.',
  retry: false,
}
const NOT_READ: Failure = {
  code: 'unavailable',
  message: 'The gateway could not read an input image again. Try again in a moment.',
  retryAfterMs: 2000,
}

async function attempt(run: Run, { upstream, model }: Candidate): Promise<ImageRecord> {
  const { name, account, timeoutMs } = upstream
  const { job, startedMs = Date.now() } = run.before ?? {}
  const progress: Progress = { upstream: { name, account }, model, startedMs, images: [], ...(job ? { job } : {}) }
  const received: Received = { progress, summary: {} }
  run.tell({ startedMs })
  const leftMs = startedMs + timeoutMs - Date.now()
  try {
    await withDeadline(leftMs, (signal) => receive(run, { upstream, model }, received, signal), run.cancel)
  } catch (error) {
    const failure = asProviderError(error)
    // With every image in R2, whatever else goes wrong with the answer is nobody's loss.
    if (!(failure instanceof ProviderError) || !isComplete(progress, run.task)) throw failure
    log('answer-cut', { generation: run.task.id, request: run.task.requestId, upstream: name, ...describe(failure) })
  }
  if (!progress.images.some(Boolean)) throw new ProviderError('lost', 'answered without an image')
  return recordOf(run.task, received, Date.now())
}

async function receive(
  run: Run,
  { upstream, model }: Candidate,
  received: Received,
  signal: AbortSignal,
): Promise<void> {
  const { task, env, config } = run
  const work: Work = {
    model,
    signal,
    job: received.progress.job,
    open: (input) =>
      inputs.open(env.IMAGES, input).catch((error: unknown) => {
        throw new GatewayError(NOT_READ, { cause: error })
      }),
    download: (url) =>
      fetchImage(url, { schemes: ['https:', 'http:'], allowPrivateUrls: config.allowPrivateUrls, signal }),
  }
  for await (const event of upstream.provider.generate(task.request, upstream, work)) {
    await take(event, run, received, signal)
    if (signal.aborted) return
  }
}

/** Takes down what an upstream tells; of one whose time is over, nothing is kept. */
async function take(event: ProviderEvent, run: Run, received: Received, signal: AbortSignal): Promise<void> {
  const { task, id, env, note, tell } = run
  const { progress } = received
  switch (event.type) {
    case 'summary':
      received.summary = event.summary
      return
    case 'accepted': {
      const { requestId, organization, job } = event
      progress.upstream = { ...progress.upstream, requestId, organization }
      if (job !== undefined) progress.job = job
      if (!signal.aborted) note(progress)
      return
    }
    case 'progress':
      // What is no percentage is passed over.
      if (!signal.aborted && event.percent >= 0) tell({ percent: Math.min(100, Math.floor(event.percent)) })
      return
    case 'partial': {
      // Nobody asked for it; what is stored has to be removed again.
      if (event.partial >= task.request.partials) return
      const image = await keptPartial(event, run)
      if (image && !signal.aborted) tell({ image, index: event.index, partial: event.partial })
      return
    }
    case 'image': {
      if (event.index >= task.request.n) return
      const place = { generation: task.id, run: id, index: event.index }
      const stored = await images.put(env.IMAGES, place, event.bytes)
      // The run goes on without this attempt, whose images may have been removed by then.
      if (signal.aborted) return await images.remove(env.IMAGES, [stored.key])
      progress.images[event.index] = stored
      note(progress)
    }
  }
}

/** A preview that is none, or that R2 does not take, is done without. */
async function keptPartial(
  { index, partial, bytes }: Extract<ProviderEvent, { type: 'partial' }>,
  { task, id, env }: Run,
): Promise<StoredImage | undefined> {
  try {
    return await images.putPartial(env.IMAGES, { generation: task.id, run: id, index }, partial, bytes)
  } catch (error) {
    const isUnreadable = error instanceof ProviderError && error.cause instanceof SyntaxError
    if (!isUnreadable && !(error instanceof images.NotAnImage) && !(error instanceof StoreError)) throw error
    log('partial-not-kept', { generation: task.id, ...describe(error) })
    return undefined
  }
}

/** What goes wrong outside of the upstream stays what it is. */
function asProviderError(error: unknown): unknown {
  // Whether it was paid for is not known, and to be feared.
  if (error instanceof DeadlineExceeded) {
    return new ProviderError('lost', 'did not finish in time', { code: 'timed_out' }, { cause: error })
  }
  if (error instanceof images.NotAnImage) {
    return new ProviderError('lost', 'sent something that is no image', {}, { cause: error })
  }
  return error
}
