import type { Config } from '../config'
import { type Failure, type Result, failed } from '../errors'
import { fetchImage } from '../image/source'
import type { ImageRequest } from '../image/request'
import type { ImageRecord, StoredImage } from '../image/record'
import { describe, log } from '../log'
import { ProviderError, type Summary } from '../providers/provider'
import * as images from '../store/images'
import * as inputs from '../store/inputs'
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

/** Makes the images of a task: chooses upstreams, stores what they send, and tells `note` of every step. Never throws. */
export async function run(
  task: Task,
  runId: string,
  env: Env,
  config: Config,
  note: (progress: Progress) => void,
): Promise<Result<ImageRecord>> {
  try {
    return await failover(
      candidates(config.upstreams, task.request.model),
      (candidate) => attempt(task, runId, candidate, env, config, note),
      ({ upstream }, { kind, message, facts: { status, requestId } }) =>
        log('attempt-failed', {
          generation: task.id,
          request: task.requestId,
          upstream: upstream.name,
          account: upstream.account,
          kind,
          message,
          status,
          upstreamRequest: requestId,
        }),
    )
  } catch (error) {
    log('run-failed', { generation: task.id, request: task.requestId, ...describe(error) })
    return failed(OUT_OF_ORDER)
  }
}

const OUT_OF_ORDER: Failure = {
  code: 'unavailable',
  message: 'The gateway could not store the image. Try again in a moment.',
  retryAfterMs: 2000,
}

async function attempt(
  task: Task,
  runId: string,
  { upstream, model }: Candidate,
  env: Env,
  config: Config,
  note: (progress: Progress) => void,
): Promise<ImageRecord> {
  const { name, account, provider, timeoutMs } = upstream
  const progress: Progress = { upstream: { name, account }, model, startedMs: Date.now(), images: [] }
  note(progress)
  let summary: Summary = {}
  try {
    await withDeadline(timeoutMs, async (signal) => {
      const work = {
        model,
        signal,
        open: (input: Parameters<typeof inputs.open>[1]) => inputs.open(env.IMAGES, input),
        download: (url: string) => fetchImage(url, { allowPrivateUrls: config.allowPrivateUrls, signal }),
      }
      for await (const event of provider.generate(task.request, upstream, work)) {
        if (event.type === 'summary') summary = event.summary
        else if (event.type === 'accepted') {
          progress.upstream = { name, account, requestId: event.requestId, organization: event.organization }
        } else if (event.index < task.request.n) {
          const place = { generation: task.id, run: runId, index: event.index }
          progress.images[event.index] = await images.put(env.IMAGES, place, event.bytes)
        }
        note(progress)
      }
    })
  } catch (error) {
    throw asProviderError(error)
  }
  return recordOf(task, progress, summary)
}

/** What goes wrong outside of the upstream stays what it is. */
function asProviderError(error: unknown): unknown {
  if (error instanceof DeadlineExceeded) {
    return new ProviderError('unavailable', 'did not finish in time', { code: 'timed_out' }, { cause: error })
  }
  if (error instanceof images.NotAnImage) {
    return new ProviderError('lost', 'sent something that is no image', {}, { cause: error })
  }
  return error
}

/** The record of what an attempt has made; what the upstream did not say is taken from the request. */
export function recordOf(task: Task, progress: Progress, summary: Summary): ImageRecord {
  const { request } = task
  const { revisedPrompts, usage, ...effective } = summary
  const asked = (value: string): string | undefined => (value === 'auto' ? undefined : value)
  const createdMs = Date.now()
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
