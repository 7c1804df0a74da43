import { type Pixels, pixelsOf, sizeText } from '../catalog/sizes'
import { usageOfPictures } from '../catalog/usage-of-each'
import { DeadlineExceeded, withDeadline } from '../runtime/deadline'
import { type Pausing, withPausingDeadline } from '../runtime/pausing-deadline'
import type { StoredImage } from '../image/record'
import type { ImageRequest } from '../image/request'
import { describe, log } from '../runtime/log'
import { ProviderError, type ProviderEvent, type Summary, Withdrawn } from '../providers/provider'
import { cropImage } from '../store/crop'
import { NotAnImage, putImage, putPartial, removeImages } from '../store/images'
import { StoreError } from '../store/retries'
import type { FittedCandidate } from '../upstreams/route-plan'
import { asProviderError, UnreadableEvent } from './call-errors'
import { type Call, madeBy, missingOf, percentWith, type Progress } from './progress'
import type { RunContext } from './run-context'
import { FREE } from './spending'
import { stopJob } from './stop'
import { workOf } from './work'

/** A call in progress for a run. */
interface Making {
  run: RunContext
  call: Call
  progress: Progress
  request: ImageRequest
  /** Separates its images from those of other calls: a cancelled call may still be writing. */
  id: string
}

/** A call with an answer that is being read. */
interface Receiving extends Making {
  /** The images stored before this answer, by their indexes in the task. */
  stored: readonly number[]
  /** Runs a write to R2, for which the deadline of the call stands still. */
  pausing: Pausing
}

/**
 * The least time for asking about a job, in ms. Its deadline may have passed between two processes, and it is paid for.
 */
const LAST_LOOK_MS = 30_000

/**
 * Makes one call: has an upstream make the wanted images, and stores them. Throws ProviderError, or an error of the
 * gateway.
 */
export async function makeCall(
  run: RunContext,
  candidate: FittedCandidate,
  call: Call,
  progress: Progress,
  id: string,
): Promise<void> {
  const request = askedOf(candidate.request, call.wanted)
  const making = { run, call, progress, request, id }
  run.report({ startedMs: call.startedMs })
  const leftMs = call.startedMs + candidate.upstream.timeoutMs - Date.now()
  const leastMs = call.job === undefined ? 0 : LAST_LOOK_MS
  try {
    const receiving = (signal: AbortSignal, pausing: Pausing): Promise<void> =>
      receiveAll({ ...making, pausing }, candidate, signal)
    await withPausingDeadline(Math.max(leftMs, leastMs), receiving, run.cancel)
  } catch (error) {
    const failure = asProviderError(error)
    // All images are in R2, so the rest of the answer does not matter.
    const isComplete = missingOf(call, progress).length === 0
    if (!isComplete && (run.cancel.aborted || error instanceof DeadlineExceeded)) await stop(making, candidate)
    if (!(failure instanceof ProviderError) || !isComplete) throw failure
    const { id: generation, requestId } = run.task
    log('answer-cut', { generation, request: requestId, upstream: candidate.upstream.name, ...describe(failure) })
  }
  if (madeBy(call, progress) === 0)
    throw new ProviderError('lost', 'answered without an image', { scope: 'request', isUnusable: true })
}

/** Stops the job of a call, which costs nothing then if the upstream says so. */
async function stop({ call, progress }: Making, candidate: FittedCandidate): Promise<void> {
  if ((await stopJob(call, candidate)) && madeBy(call, progress) === 0) call.ending = FREE
}

/** The request of one of several calls. Its seed counts on, since equal seeds make equal images. */
function askedOf(request: ImageRequest, wanted: readonly number[]): ImageRequest {
  const { seed } = request.extras
  const [first = 0] = wanted
  const extras = typeof seed === 'number' ? { ...request.extras, seed: seed + first } : request.extras
  return { ...request, n: wanted.length, extras }
}

/** Receives the events of a call. A job with an image that could not be read is asked once more: it is paid for. */
async function receiveAll(
  making: Omit<Receiving, 'stored'>,
  candidate: FittedCandidate,
  signal: AbortSignal,
): Promise<void> {
  try {
    await receive(making, candidate, signal)
  } catch (error) {
    const failure = asProviderError(error)
    const isOfJob = error instanceof UnreadableEvent && making.call.job !== undefined
    if (!isOfJob || !(failure instanceof ProviderError) || signal.aborted) throw failure
    const { id: generation, requestId: request } = making.run.task
    log('job-asked-again', { generation, request, upstream: candidate.upstream.name, ...describe(failure) })
    await receive(making, candidate, signal)
  }
}

async function receive(
  making: Omit<Receiving, 'stored'>,
  { upstream, model }: FittedCandidate,
  signal: AbortSignal,
): Promise<void> {
  const { run, call, progress, request } = making
  const stored = call.wanted.filter((index) => progress.images[index])
  const over = new AbortController()
  const work = workOf(run, call, { model, upstream, signal: AbortSignal.any([signal, over.signal]) })
  const events = upstream.provider.generate(request, upstream, work)
  for await (const event of events) {
    try {
      await take(event, { ...making, stored }, signal)
    } catch (cause) {
      await withDeadline(CHARGE_MS, () => readCharge(events, making)).catch(() => over.abort())
      throw new UnreadableEvent('what was made could not be had', { cause })
    }
    if (signal.aborted) return
  }
}

/** The time for the rest of an answer with an image that could not be kept, in ms. */
const CHARGE_MS = 5000

/** Reads the rest of an answer for its charge alone: no further image is read. Throws the error of the provider. */
async function readCharge(events: AsyncIterable<ProviderEvent>, making: Making): Promise<void> {
  for await (const event of events)
    if (event.type === 'summary') making.call.summary = settledSummary(event.summary, making)
}

/** Processes one event. After the deadline nothing is kept. */
async function take(event: ProviderEvent, making: Receiving, signal: AbortSignal): Promise<void> {
  const { run, call, progress, request } = making
  switch (event.type) {
    case 'summary':
      call.summary = settledSummary(event.summary, making)
      return
    case 'accepted': {
      const { requestId = call.upstream.requestId, organization = call.upstream.organization, job, cost } = event
      call.upstream = { ...call.upstream, requestId, organization }
      if (job !== undefined) call.job = job
      if (cost !== undefined) call.summary = { ...call.summary, cost }
      // The ids of an answer without previews are stored with its first image, which comes at once.
      const isAlone = job === undefined && cost === undefined && request.partials === 0
      if (!signal.aborted && !isAlone) run.save(progress)
      return
    }
    case 'progress':
      if (!signal.aborted) reportPercent(event.percent, making)
      return
    case 'partial': {
      const index = call.wanted[event.index]
      // The client did not ask for this preview, and a stored one would have to be removed.
      if (index === undefined || event.partial >= request.partials) return
      const image = await storedPartial({ ...event, index }, making)
      if (image && !signal.aborted) run.report({ image, index, partial: event.partial })
      return
    }
    case 'image': {
      const index = call.wanted[event.index]
      if (index !== undefined && !making.stored.includes(index)) await keep({ ...event, index }, making, signal)
    }
  }
}

/** The known facts of a call's answer, with the usage of the whole. */
function settledSummary({ usageOfEach, ...summary }: Summary, { run, call, request }: Making): Summary {
  const usage = usageOfPictures({ ...summary, usageOfEach }, request, run.config.catalogue(request.model))
  return { ...call.summary, ...summary, usage }
}

/** Reports the progress of the run, in which each call has its share. A negative percentage is ignored. */
function reportPercent(percent: number, { run, call, progress }: Making): void {
  if (percent >= 0) run.report({ percent: percentWith(call, percent, progress, run.task.request.n) })
}

/** Stores an image as the upstream made it, before any change. */
async function keep(
  { index, bytes }: Extract<ProviderEvent, { type: 'image' }>,
  making: Receiving,
  signal: AbortSignal,
): Promise<void> {
  const { run, progress, request, id, pausing } = making
  const { task, env, save } = run
  const place = { generation: task.id, run: id, index }
  const made = await putImage(env.IMAGES, place, bytes, pausing).catch(unlessWithdrawn)
  if (!made) return
  // The run goes on without this call and may have removed its images.
  if (signal.aborted) return await removeImages(env.IMAGES, [made.key])
  progress.images[index] = made
  save(progress)
  const cut = pixelsOf(request.crop ?? '')
  if (cut) await pausing(() => storeCropped(made, { ...place, ...cut }, making, signal))
}

/** Replaces an image by the part cropped out of it, or by the same in a larger size. */
async function storeCropped(
  made: StoredImage,
  { width, height, ...place }: { generation: string; run: string; index: number } & Pixels,
  { run: { env, save }, call, progress, request }: Making,
  signal: AbortSignal,
): Promise<void> {
  const asMade = pixelsOf(request.size)
  const isEnlarged = asMade !== undefined && (asMade.width < width || asMade.height < height)
  const cut = { width, height, quality: Math.max(1, request.compression), isEnlarged }
  const cropped = await cropImage(env, made, place, cut, signal)
  if (!cropped) return
  // The run has ended with the image as the upstream made it.
  if (signal.aborted) return await removeImages(env.IMAGES, [cropped.key])
  call.cropped = sizeText(cut)
  noteOnce(call.adjusted, `${isEnlarged ? 'scale' : 'crop'}=${request.size}>${call.cropped}`)
  progress.images[place.index] = cropped
  save(progress)
  const leave = (error: unknown): void => log('images-not-removed', { key: made.key, ...describe(error) })
  await removeImages(env.IMAGES, [made.key]).catch(leave)
}

function unlessWithdrawn(error: unknown): undefined {
  if (!(error instanceof Withdrawn)) throw error
}

const noteOnce = (notes: string[], note: string): void => void (notes.includes(note) || notes.push(note))

/** Stores a preview. An unreadable one, or one that R2 refuses, is left out. */
async function storedPartial(
  { index, partial, bytes }: Extract<ProviderEvent, { type: 'partial' }>,
  { run: { task, env }, id, pausing }: Receiving,
): Promise<StoredImage | undefined> {
  try {
    return await putPartial(env.IMAGES, { generation: task.id, run: id, index }, partial, bytes, pausing)
  } catch (error) {
    const isUnreadable = error instanceof ProviderError && error.cause instanceof SyntaxError
    if (!isUnreadable && !(error instanceof NotAnImage) && !(error instanceof StoreError)) throw error
    log('partial-not-kept', { generation: task.id, ...describe(error) })
    return undefined
  }
}
