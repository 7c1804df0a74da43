import { type Pixels, pixelsOf, sizeText } from '../catalog/sizes'
import { withDeadline, DeadlineExceeded } from '../runtime/deadline'
import { type Failure, GatewayError } from '../runtime/errors'
import type { StoredImage } from '../image/record'
import type { ImageRequest } from '../image/request'
import { fetchImage } from '../image/source'
import { describe, log } from '../runtime/log'
import { ProviderError, type ProviderEvent, Withdrawn, type Work } from '../providers/provider'
import { cropImage } from '../store/crop'
import { NotAnImage, putImage, putPartial, removeImages } from '../store/images'
import { openInput } from '../store/inputs'
import { StoreError } from '../store/retries'
import type { FittedCandidate } from '../upstreams/route-plan'
import { type Call, madeBy, missingOf, percentWith, type Progress } from './progress'
import type { Run } from './run'
import { stopJob } from './stop'

/** A call that is being made, for a run. */
interface Making {
  run: Run
  call: Call
  progress: Progress
  request: ImageRequest
  /** Distinguishes its pictures from those of other calls: one that is past its deadline may still be writing. */
  id: string
}

/** A call whose answer is being read. */
interface Receiving extends Making {
  /** Which pictures were stored before it was, by their indexes in the task. */
  stored: readonly number[]
}

/** A job whose time ran out while no process was there to see is looked at for so long all the same, in ms: it was paid for. */
const LAST_LOOK_MS = 30_000

/**
 * Makes one call: has an upstream make the pictures that are wanted of it, and stores them. Throws ProviderError, or what
 * went wrong here.
 */
export async function makeCall(
  run: Run,
  candidate: FittedCandidate,
  call: Call,
  progress: Progress,
  id: string,
): Promise<void> {
  const request = askedOf(candidate.request, call.wanted)
  const making = { run, call, progress, request, id }
  run.tell({ startedMs: call.startedMs })
  const leftMs = call.startedMs + candidate.upstream.timeoutMs - Date.now()
  const leastMs = call.job === undefined ? 0 : LAST_LOOK_MS
  try {
    await withDeadline(Math.max(leftMs, leastMs), (signal) => receiveAll(making, candidate, signal), run.cancel)
  } catch (error) {
    const failure = asProviderError(error)
    // With every image in R2, whatever else goes wrong with the answer is nobody's loss.
    const isComplete = missingOf(call, progress).length === 0
    if (!isComplete && (run.cancel.aborted || error instanceof DeadlineExceeded)) await stopJob(call, candidate)
    if (!(failure instanceof ProviderError) || !isComplete) throw failure
    const { id: generation, requestId } = run.task
    log('answer-cut', { generation, request: requestId, upstream: candidate.upstream.name, ...describe(failure) })
  }
  if (madeBy(call, progress) === 0) throw new ProviderError('lost', 'answered without an image', { ofRequest: true })
}

/** What one of several calls is asked: its seed counts on, since each would make the same picture of the same one. */
function askedOf(request: ImageRequest, wanted: readonly number[]): ImageRequest {
  const { seed } = request.extras
  const [first = 0] = wanted
  const extras = typeof seed === 'number' ? { ...request.extras, seed: seed + first } : request.extras
  return { ...request, n: wanted.length, extras }
}

/** What an upstream has told of could not be taken down: mostly a picture that could not be had. */
class Undelivered extends Error {}

/** Receives what a call makes. A job whose pictures could not be had is asked for them once more: it is paid for. */
async function receiveAll(making: Making, candidate: FittedCandidate, signal: AbortSignal): Promise<void> {
  try {
    await receive(making, candidate, signal)
  } catch (error) {
    const failure = asProviderError(error)
    const isOfJob = error instanceof Undelivered && making.call.job !== undefined
    if (!isOfJob || !(failure instanceof ProviderError) || signal.aborted) throw failure
    const { id: generation, requestId: request } = making.run.task
    log('job-asked-again', { generation, request, upstream: candidate.upstream.name, ...describe(failure) })
    await receive(making, candidate, signal)
  }
}

async function receive(making: Making, { upstream, model }: FittedCandidate, signal: AbortSignal): Promise<void> {
  const { run, call, progress, request } = making
  const { env, config } = run
  const stored = call.wanted.filter((index) => progress.images[index])
  const work: Work = {
    model,
    signal,
    job: call.job,
    open: (input) =>
      openInput(env.IMAGES, input).catch((error: unknown) => {
        throw new GatewayError(NOT_READ, { cause: error })
      }),
    download: (url) =>
      fetchImage(url, {
        schemes: ['https:', 'http:'],
        allowPrivateUrls: config.allowPrivateUrls,
        signal,
        isPaidFor: true,
      }),
  }
  for await (const event of upstream.provider.generate(request, upstream, work)) {
    await take(event, { ...making, stored }, signal).catch((cause: unknown) => {
      throw new Undelivered('what was made could not be had', { cause })
    })
    if (signal.aborted) return
  }
}

const NOT_READ: Failure = {
  code: 'unavailable',
  message: 'The gateway could not read an input image again. Try again in a moment.',
  retryAfterMs: 2000,
}

/** Takes down what an upstream tells; of one whose time is over, nothing is kept. */
async function take(event: ProviderEvent, making: Receiving, signal: AbortSignal): Promise<void> {
  const { run, call, progress, request } = making
  switch (event.type) {
    case 'summary':
      call.summary = event.summary
      return
    case 'accepted': {
      const { requestId = call.upstream.requestId, organization = call.upstream.organization, job } = event
      call.upstream = { ...call.upstream, requestId, organization }
      if (job !== undefined) call.job = job
      if (!signal.aborted) run.note(progress)
      return
    }
    case 'progress':
      if (!signal.aborted) tellPercent(event.percent, making)
      return
    case 'partial': {
      const index = call.wanted[event.index]
      // Nobody asked for it; what is stored has to be removed again.
      if (index === undefined || event.partial >= request.partials) return
      const image = await keptPartial({ ...event, index }, making)
      if (image && !signal.aborted) run.tell({ image, index, partial: event.partial })
      return
    }
    case 'image': {
      const index = call.wanted[event.index]
      if (index !== undefined && !making.stored.includes(index)) await keep({ ...event, index }, making, signal)
    }
  }
}

/** Of several calls, each has its share in how far all are; what is no percentage is passed over. */
function tellPercent(percent: number, { run, call, progress }: Making): void {
  if (percent >= 0) run.tell({ percent: percentWith(call, percent, progress, run.task.request.n) })
}

/** Keeps a picture as it was made before anything else is done to it, whatever becomes of that. */
async function keep(
  { index, bytes }: Extract<ProviderEvent, { type: 'image' }>,
  making: Making,
  signal: AbortSignal,
): Promise<void> {
  const { run, progress, request, id } = making
  const { task, env, note } = run
  const place = { generation: task.id, run: id, index }
  const made = await putImage(env.IMAGES, place, bytes).catch(unlessWithdrawn)
  if (!made) return
  // The run goes on without this call, whose images may have been removed by then.
  if (signal.aborted) return await removeImages(env.IMAGES, [made.key])
  progress.images[index] = made
  note(progress)
  const cut = pixelsOf(request.crop ?? '')
  if (cut) await keepCropped(made, { ...place, ...cut }, making, signal)
}

/** Has a picture give way to what is cropped out of it. */
async function keepCropped(
  made: StoredImage,
  { width, height, ...place }: { generation: string; run: string; index: number } & Pixels,
  { run: { env, note }, call, progress, request }: Making,
  signal: AbortSignal,
): Promise<void> {
  const cut = { width, height, quality: Math.max(1, request.compression) }
  const cropped = await cropImage(env, made, place, cut, signal)
  if (!cropped) return
  // The run has ended with the picture as it was made.
  if (signal.aborted) return await removeImages(env.IMAGES, [cropped.key])
  call.cropped = sizeText(cut)
  noteOnce(call.adjusted, `crop=${request.size}>${call.cropped}`)
  progress.images[place.index] = cropped
  note(progress)
  const leave = (error: unknown): void => log('images-not-removed', { key: made.key, ...describe(error) })
  await removeImages(env.IMAGES, [made.key]).catch(leave)
}

function unlessWithdrawn(error: unknown): undefined {
  if (!(error instanceof Withdrawn)) throw error
}

const noteOnce = (notes: string[], note: string): void => void (notes.includes(note) || notes.push(note))

/** A preview that is none, or that R2 does not take, is done without. */
async function keptPartial(
  { index, partial, bytes }: Extract<ProviderEvent, { type: 'partial' }>,
  { run: { task, env }, id }: Making,
): Promise<StoredImage | undefined> {
  try {
    return await putPartial(env.IMAGES, { generation: task.id, run: id, index }, partial, bytes)
  } catch (error) {
    const isUnreadable = error instanceof ProviderError && error.cause instanceof SyntaxError
    if (!isUnreadable && !(error instanceof NotAnImage) && !(error instanceof StoreError)) throw error
    log('partial-not-kept', { generation: task.id, ...describe(error) })
    return undefined
  }
}

/** What goes wrong outside of the upstream stays what it is. */
function asProviderError(error: unknown): unknown {
  if (error instanceof Undelivered) return asProviderError(error.cause)
  // Whether it was paid for is not known, and to be feared.
  if (error instanceof DeadlineExceeded) {
    return new ProviderError('lost', 'did not finish in time', { code: 'timed_out' }, { cause: error })
  }
  if (error instanceof NotAnImage) {
    return new ProviderError('lost', 'sent something that is no image', {}, { cause: error })
  }
  return error
}
