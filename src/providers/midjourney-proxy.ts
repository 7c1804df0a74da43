import * as z from 'zod'
import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { callUpstream, jsonRequest, readingImage, readJsonReply, type UpstreamRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { optionalText } from './wire/lenient'
import { unquoted } from './wire/unquoted'
import { type JobState, pollJob, UnknownJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { errorOfReport, moderationError } from './wire/upstream-error'

/** Midjourney takes a ratio in the prompt. The pixel size is not documented. */
const SIZES = shaped(shapesOf(COMMON_RATIOS))

/** The API has no parameter for the model, and only the prompt for everything else (protocols §6.12). */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  // The limit of `blend`.
  maxInputs: 5,
  // The pictures of one grid.
  maxImages: 4,
} as const satisfies Model

/** The longest interval between two reads of a task, in ms. */
const POLL_MS = 3000
/** The progress at the end of the grid, in percent. */
const GRID_SHARE = 80

/** The tasks of a request: a grid of four pictures, and one upscale for each picture. */
const jobSchema = z.object({ grid: z.string(), upscales: z.array(z.string()) })
type MidjourneyJob = z.infer<typeof jobSchema>

/**
 * Midjourney-proxy (protocols §6.12) and relays with its API.
 * A relay's modes are part of the base URL, as `https://relay.example.com/mj-fast`. A picture is upscaled out of a grid
 * of four.
 */
export const midjourneyProxyProvider: Provider = {
  id: 'midjourney-proxy',
  account: (upstream) => accountHeaders(upstream),
  models: { midjourney: API_CAPABILITY },
  capability: (model) => ({ ...model, ...API_CAPABILITY }),
  async *generate(request, upstream, work) {
    const job = work.job
      ? jobSchema.parse(JSON.parse(work.job))
      : { grid: await submitGrid(request, upstream, work), upscales: [] }
    yield acceptedEvent(job)
    yield* submitUpscales(job, request.n, upstream, work)
    yield* upscaledPictures(job, upstream, work)
    yield { type: 'summary', summary: {} }
  },
}

const acceptedEvent = (job: MidjourneyJob): ProviderEvent => ({
  type: 'accepted',
  requestId: job.grid,
  job: JSON.stringify(job),
})

/** Submits a grid and returns the id of its task. */
async function submitGrid({ prompt, size, images }: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const ratio = ratioNamed(size, SIZES)?.ratio
  const fields = {
    prompt: ratio ? `${prompt} --ar ${ratio}` : prompt,
    base64Array: images.length > 0 ? images.map((image) => inputDataUrl(image, work)) : undefined,
  }
  return await submitTask('/mj/submit/imagine', fields, upstream, work)
}

/** Waits for the grid and submits the missing upscales. Keeps the earlier ones when a later one fails. */
async function* submitUpscales(
  job: MidjourneyJob,
  count: number,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  if (job.upscales.length >= count) return
  yield* pollJob(work, POLL_MS, () => readTask(job.grid, { from: 0, to: GRID_SHARE }, upstream, work))
  while (job.upscales.length < count) {
    const change = { taskId: job.grid, action: 'UPSCALE', index: job.upscales.length + 1 }
    try {
      // The grid is paid for, so a failure is retried.
      const id = yield* pollJob(work, POLL_MS, async () => ({ done: await submitChange(change, upstream, work) }))
      job.upscales.push(id)
    } catch (error) {
      if (job.upscales.length === 0 || work.signal.aborted) throw error
      return
    }
    yield acceptedEvent(job)
  }
}

/** The upscaled pictures. Throws ProviderError when there is none. */
async function* upscaledPictures(
  { upscales }: MidjourneyJob,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const failures: unknown[] = []
  const share = (100 - GRID_SHARE) / upscales.length
  for (const [index, id] of upscales.entries()) {
    const from = GRID_SHARE + index * share
    try {
      const url = yield* pollJob(work, POLL_MS, () => readTask(id, { from, to: from + share }, upstream, work))
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    } catch (error) {
      if (work.signal.aborted) throw error
      failures.push(error)
    }
  }
  if (failures.length === upscales.length) throw lostError(failures[0])
}

/** A failed upscale is refunded, but its grid is paid for. */
const lostError = (error: unknown): unknown =>
  error instanceof ProviderError && error.kind === 'unavailable'
    ? new ProviderError(
        'lost',
        'cut no picture out of its grid',
        { ...error.facts, isUnusable: true },
        { cause: error },
      )
    : error

const accountHeaders = ({ credential }: Upstream): Record<string, string> => ({ 'mj-api-secret': credential })

const submitReply = z.object({
  code: z.number(),
  description: optionalText,
  result: z.union([z.string(), z.number()]).nullish().catch(null),
})

/** 1: submitted. 22: queued. 21: submitted before. */
const SUBMITTED_CODES = [1, 21, 22]

/**
 * Cuts a picture out of a grid and returns the id of that task. A second submission returns the same task. A refusal is
 * passing: the relay may note the end of the grid a moment later.
 */
async function submitChange(fields: Record<string, unknown>, upstream: Upstream, work: Work): Promise<string> {
  try {
    return await submitTask('/mj/submit/change', fields, upstream, work, { buysNothing: true })
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind !== 'rejected') throw error
    throw new ProviderError('unavailable', 'refused to cut a picture out of its grid', {}, { cause: error })
  }
}

/** Submits a task and returns its id. Refusals come with status 200. */
async function submitTask(
  path: string,
  fields: Record<string, unknown>,
  upstream: Upstream,
  work: Work,
  more: Pick<UpstreamRequest, 'buysNothing'> = {},
): Promise<string> {
  const asked = { account: accountHeaders(upstream), ...jsonRequest(fields), ...more }
  const response = await callUpstream(upstream, work, path, asked, readError)
  const { code, description, result } = await readJsonReply(response, submitReply)
  if (SUBMITTED_CODES.includes(code) && result) return String(result)
  throw errorOfReport({ ...reportOfCode(code), message: description ?? undefined }, upstream)
}

function reportOfCode(code: number): Parameters<typeof errorOfReport>[0] {
  switch (code) {
    case 4:
      return { kind: 'rejected' }
    case 23:
      return { kind: 'throttled' }
    case 24:
      return { kind: 'rejected', moderated: true }
    default:
      return { kind: 'unavailable' }
  }
}

const taskReply = z.object({
  status: optionalText,
  progress: optionalText,
  imageUrl: optionalText,
  failReason: optionalText,
})

/** Reads a task. Its progress covers the part `from` to `to` of the whole. */
async function readTask(
  id: string,
  { from, to }: { from: number; to: number },
  upstream: Upstream,
  work: Work,
): Promise<JobState<string>> {
  const path = `/mj/task/${encodeURIComponent(id)}/fetch`
  const response = await callUpstream(
    upstream,
    work,
    path,
    { method: 'GET', account: accountHeaders(upstream) },
    readError,
  )
  const said = await readJsonReply(response, taskReply.nullable())
  if (!said) throw new UnknownJob()
  const { status, progress, imageUrl, failReason } = said
  if (status === 'FAILURE') return { failed: taskError(failReason ?? '', upstream) }
  if (status !== 'SUCCESS') return { percent: from + ((to - from) * parsePercent(progress)) / 100 }
  return imageUrl
    ? { done: imageUrl }
    : { failed: new ProviderError('lost', 'succeeded without a picture', { scope: 'request' }) }
}

/** 40 for `40%`. */
const parsePercent = (progress: string | null | undefined): number => Number.parseFloat(progress ?? '') || 0

/** Midjourney refuses some requests after submission, in words without a code. */
function taskError(reason: string, upstream: Upstream): ProviderError {
  return /banned prompt|moderat/i.test(reason)
    ? moderationError('request', upstream, reason)
    : errorOfReport({ message: reason }, upstream)
}

const errorReply = z.object({ description: z.string() })

const readError: ErrorReader = (body) => {
  const message = errorReply.safeParse(body).data?.description
  return unquoted(message ?? '').includes('quota') ? { message, kind: 'misconfigured' } : { message }
}
