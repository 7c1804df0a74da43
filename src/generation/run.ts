import type { Config } from '../config'
import { type Failure, GatewayError, type Result, failed } from '../errors'
import { fetchImage } from '../image/source'
import type { ImageRequest } from '../image/request'
import type { ImageRecord, StoredImage } from '../image/record'
import { describe, log } from '../log'
import { ProviderError, type Summary, type Work } from '../providers/provider'
import * as images from '../store/images'
import * as inputs from '../store/inputs'
import { StoreError } from '../store/trouble'
import { type Candidate, candidates } from '../upstreams/choose'
import { DeadlineExceeded, withDeadline } from './deadline'
import { failover } from './failover'

/** What a generation is asked to do. */
export interface Task {
  /** Its id, which is also the name of its object. */
  id: string
  request: ImageRequest
  /** The id of the HTTP request that started it, for the log. */
  requestId: string
  /** Whether others may be answered with its result. */
  shared: boolean
}

/** What has come of one attempt so far; kept in storage, so that an attempt that died can still be made use of. */
export interface Progress {
  upstream: ImageRecord['upstream']
  model: string
  startedMs: number
  /** By their index. */
  images: (StoredImage | undefined)[]
}

/** A run of a generation, and what it works with. */
export interface Run {
  task: Task
  /** Distinguishes the images of this run from those of others of the same generation. */
  id: string
  env: Env
  config: Config
  /** Is told of every image that is stored. */
  note: (progress: Progress) => void
}

/** Makes the images of a task: chooses upstreams and stores what they send. Never throws. */
export async function makeImages(run: Run): Promise<Result<ImageRecord>> {
  const { id: generation, requestId, request } = run.task
  let attempts = 0
  try {
    return await failover(
      candidates(run.config.upstreams, request.model),
      // Each attempt has keys of its own: one that is past its deadline may still be writing.
      (candidate) => attempt({ ...run, id: `${run.id}${++attempts}` }, candidate),
      ({ upstream: { name, account } }, { kind, message, facts }) => {
        const { status, requestId: upstreamRequest } = facts
        const failure = { kind, message, status, upstreamRequest }
        log('attempt-failed', { generation, request: requestId, upstream: name, account, ...failure })
      },
    )
  } catch (error) {
    log('run-failed', { generation, request: requestId, ...describe(error) })
    if (error instanceof GatewayError) return failed(error.failure)
    return failed(error instanceof StoreError ? NOT_STORED : FAILED)
  }
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

/** What an attempt has received so far. */
interface Received {
  progress: Progress
  summary: Summary
}

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
    } else if (event.index < task.request.n) {
      const place = { generation: task.id, run: id, index: event.index }
      progress.images[event.index] = await images.put(env.IMAGES, place, event.bytes)
      // After its deadline the run goes on without this attempt.
      if (signal.aborted) return
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

/** Whether every image that was asked for is stored. */
export const isComplete = ({ images }: Pick<ImageRecord | Progress, 'images'>, { request }: Task): boolean =>
  images.filter(Boolean).length === request.n

/** The record of what an attempt has made; what the upstream did not say is taken from the request. */
export function recordOf(task: Task, { progress, summary }: Received, createdMs: number): ImageRecord {
  const { request } = task
  const { revisedPrompts, usage, ...effective } = summary
  const asked = (value: string): string | undefined => (value === 'auto' ? undefined : value)
  return {
    id: task.id,
    createdMs,
    tookMs: createdMs - progress.startedMs,
    operation: request.operation,
    model: progress.model,
    upstream: progress.upstream,
    images: progress.images.flatMap((image, index) => {
      const revisedPrompt = revisedPrompts?.[index]
      return image ? [{ ...image, ...(revisedPrompt ? { revisedPrompt } : {}) }] : []
    }),
    size: effective.size ?? asked(request.size),
    quality: effective.quality ?? asked(request.quality),
    background: effective.background ?? asked(request.background),
    format: effective.format ?? request.format,
    usage,
  }
}
