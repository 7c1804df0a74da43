import * as z from 'zod'
import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { COMMON_RATIOS, ratioNamed, shaped, shapesOf } from '../catalog/ratios'
import type { ImageRequest } from '../image/request'
import { asJson, call, readingImage, replyOf } from './wire/http'
import { dataUrlOf } from './wire/inputs'
import { type Look, polled, UnknownJob } from './wire/poll'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { type ErrorReader, errorSaid } from './wire/refusal'

/** Midjourney takes a ratio in the prompt, and does not say how many pixels it makes of it. */
const SIZES = shaped(shapesOf(COMMON_RATIOS))

/** Whatever the model's name is: the API has no parameter for it, nor for anything but the prompt (protocols §6.12). */
const MIDJOURNEY = {
  ...PROMPT_ONLY,
  sizes: SIZES,
  // As many as `blend` takes.
  maxInputs: 5,
  // Those of one grid.
  maxImages: 4,
} as const satisfies Model

/** How often a task is asked about, at last, in ms. */
const POLL_MS = 3000
/** How much of the way is done once there is a grid, in percent. */
const GRID_SHARE = 80

/** The tasks that a request has begun: a grid of four pictures, and those that take one of them each out of it. */
const jobText = z.object({ grid: z.string(), upscales: z.array(z.string()) })
type Job = z.infer<typeof jobText>

/**
 * Midjourney-proxy (protocols §6.12), and relays that speak as it does, whose modes are part of the base URL, as
 * `https://relay.example.com/mj-fast`. A picture is made as one of a grid of four, and then taken out of it.
 */
export const midjourneyProxy: Provider = {
  id: 'midjourney-proxy',
  models: { midjourney: MIDJOURNEY },
  capability: (model) => ({ ...model, ...MIDJOURNEY }),
  async *generate(request, upstream, work) {
    const job = work.job
      ? jobText.parse(JSON.parse(work.job))
      : { grid: await imagine(request, upstream, work), upscales: [] }
    yield accepted(job)
    yield* takenOut(job, request.n, upstream, work)
    yield* pictures(job, upstream, work)
    yield { type: 'summary', summary: {} }
  },
}

const accepted = (job: Job): ProviderEvent => ({
  type: 'accepted',
  requestId: job.grid,
  job: JSON.stringify(job),
})

/** Begins a grid, and tells its task's id. */
async function imagine({ prompt, size, images }: ImageRequest, upstream: Upstream, work: Work): Promise<string> {
  const ratio = ratioNamed(size, SIZES)?.ratio
  const fields = {
    prompt: ratio ? `${prompt} --ar ${ratio}` : prompt,
    base64Array: images.length > 0 ? images.map((image) => dataUrlOf(image, work)) : undefined,
  }
  return await submit('/mj/submit/imagine', fields, upstream, work)
}

/**
 * Has so many pictures taken out of a grid once there is one, as far as that has not begun; fewer, where not all of them
 * can be.
 */
async function* takenOut(job: Job, count: number, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  if (job.upscales.length >= count) return
  yield* polled(work, POLL_MS, () => look(job.grid, { from: 0, to: GRID_SHARE }, upstream, work))
  while (job.upscales.length < count) {
    const change = { taskId: job.grid, action: 'UPSCALE', index: job.upscales.length + 1 }
    try {
      // The grid is paid for, and whoever asks a second time is told of the task that there is.
      const id = yield* polled(work, POLL_MS, async () => ({
        done: await submit('/mj/submit/change', change, upstream, work),
      }))
      job.upscales.push(id)
    } catch (error) {
      if (job.upscales.length === 0 || work.signal.aborted) throw error
      return
    }
    yield accepted(job)
  }
}

/** The pictures that were taken out of a grid; throws ProviderError where there is none. */
async function* pictures({ upscales }: Job, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const failures: unknown[] = []
  const share = (100 - GRID_SHARE) / upscales.length
  for (const [index, id] of upscales.entries()) {
    const from = GRID_SHARE + index * share
    try {
      const url = yield* polled(work, POLL_MS, () => look(id, { from, to: from + share }, upstream, work))
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    } catch (error) {
      if (work.signal.aborted) throw error
      failures.push(error)
    }
  }
  if (failures.length === upscales.length) throw failures[0]
}

const asAccount = ({ credential }: Upstream): Record<string, string> => ({ 'mj-api-secret': credential })

const submitted = z.object({
  code: z.number(),
  description: z.string().nullish().catch(null),
  result: z.union([z.string(), z.number()]).nullish().catch(null),
})

/** 1 is a task that was begun, 22 one that waits, 21 one that was begun before. */
const BEGUN = [1, 21, 22]

/** Begins a task, and tells its id; whatever there is to refuse is told with status 200. */
async function submit(path: string, fields: Record<string, unknown>, upstream: Upstream, work: Work): Promise<string> {
  const asked = { account: asAccount(upstream), ...asJson(fields) }
  const response = await call(upstream, work, path, asked, readError)
  const { code, description, result } = await replyOf(response, submitted)
  if (BEGUN.includes(code) && result) return String(result)
  throw errorSaid({ ...meaningOf(code), message: description ?? undefined }, upstream)
}

function meaningOf(code: number): Parameters<typeof errorSaid>[0] {
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

const task = z.object({
  status: z.string().nullish().catch(null),
  progress: z.string().nullish().catch(null),
  imageUrl: z.string().nullish().catch(null),
  failReason: z.string().nullish().catch(null),
})

/** Looks at a task, which is a part of the whole way. */
async function look(
  id: string,
  { from, to }: { from: number; to: number },
  upstream: Upstream,
  work: Work,
): Promise<Look<string>> {
  const path = `/mj/task/${encodeURIComponent(id)}/fetch`
  const response = await call(upstream, work, path, { method: 'GET', account: asAccount(upstream) }, readError)
  const said = await replyOf(response, task.nullable())
  if (!said) throw new UnknownJob()
  const { status, progress, imageUrl, failReason } = said
  if (status === 'FAILURE') return { failed: failureOf(failReason ?? '', upstream) }
  if (status !== 'SUCCESS') return { percent: from + ((to - from) * percentIn(progress)) / 100 }
  return imageUrl
    ? { done: imageUrl }
    : { failed: new ProviderError('lost', 'succeeded without a picture', { ofRequest: true }) }
}

/** 40 for `40%`. */
const percentIn = (progress: string | null | undefined): number => Number.parseFloat(progress ?? '') || 0

/** Midjourney refuses some requests only once it has begun, and then says so in words alone. */
function failureOf(reason: string, upstream: Upstream): ProviderError {
  if (!/banned prompt|moderat/i.test(reason)) return new ProviderError('unavailable', 'failed to make the picture')
  return errorSaid({ kind: 'rejected', moderated: true, message: reason }, upstream)
}

const errorReply = z.object({ description: z.string() })

const readError: ErrorReader = (body) => {
  const message = errorReply.safeParse(body).data?.description
  return message?.includes('quota') ? { message, kind: 'misconfigured' } : { message }
}
