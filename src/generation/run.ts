import type { Config } from '../config'
import { type Failure, GatewayError, failed } from '../errors'
import { fetchImage } from '../image/source'
import type { ImageRecord } from '../image/record'
import { describe, log } from '../log'
import { ProviderError, type Work } from '../providers/provider'
import * as images from '../store/images'
import * as inputs from '../store/inputs'
import { StoreError } from '../store/trouble'
import type { Served } from '../team/entry'
import { type Candidate, candidates } from '../upstreams/choose'
import { DeadlineExceeded, withDeadline } from './deadline'
import { failover } from './failover'
import { isComplete, type Progress, type Received, recordOf, servedBy } from './progress'
import type { Outcome, Task } from './task'

/** A run of a generation, and what it works with. */
export interface Run {
  task: Task
  /** Distinguishes the images of this run from those of others of the same generation. */
  id: string
  env: Env
  config: Config
  /** Is told when an upstream takes the request, and of every image that is stored. */
  note: (progress: Progress) => void
}

/** Makes the images of a task: chooses upstreams and stores what they send. Never throws. */
export async function makeImages(run: Run): Promise<Outcome> {
  const { id: generation, requestId, request } = run.task
  let attempts = 0
  let last: Served | undefined
  const note = (progress: Progress): void => {
    last = servedBy(progress)
    run.note(progress)
  }
  try {
    const made = await failover(
      candidates(run.config.upstreams, request.model),
      (candidate) => {
        const { name, account } = candidate.upstream
        last = { name, account, model: candidate.model }
        // Each attempt has keys of its own: one that is past its deadline may still be writing.
        return attempt({ ...run, note, id: `${run.id}${++attempts}` }, candidate)
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
    log('run-failed', { generation, request: requestId, ...describe(error) })
    return { made: failed(failureOf(error)), attempts, last }
  }
}

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
const FAILED: Failure = { code: 'internal', message: 'The gateway failed to make the image.', retry: false }

async function attempt(run: Run, { upstream, model }: Candidate): Promise<ImageRecord> {
  const { name, account, timeoutMs } = upstream
  const progress: Progress = { upstream: { name, account }, model, startedMs: Date.now(), images: [] }
  const received: Received = { progress, summary: {} }
  try {
    await withDeadline(timeoutMs, (signal) => receive(run, { upstream, model }, received, signal))
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
  const { task, id, env, config, note } = run
  const { progress } = received
  const work: Work = {
    model,
    signal,
    open: (input) =>
      inputs.open(env.IMAGES, input).catch((error: unknown) => {
        throw new GatewayError(NOT_READ, { cause: error })
      }),
    download: (url) =>
      fetchImage(url, { schemes: ['https:', 'http:'], allowPrivateUrls: config.allowPrivateUrls, signal }),
  }
  for await (const event of upstream.provider.generate(task.request, upstream, work)) {
    if (event.type === 'summary') received.summary = event.summary
    else if (event.type === 'accepted') {
      const { requestId, organization } = event
      progress.upstream = { ...progress.upstream, requestId, organization }
      if (!signal.aborted) note(progress)
    } else if (event.index < task.request.n) {
      const place = { generation: task.id, run: id, index: event.index }
      const stored = await images.put(env.IMAGES, place, event.bytes)
      // After its deadline the run goes on without this attempt, whose images may have been removed by then.
      if (signal.aborted) return await images.remove(env.IMAGES, [stored.key])
      progress.images[event.index] = stored
      note(progress)
    }
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
