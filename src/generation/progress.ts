import * as z from 'zod'
import { addUsage, type ImageRecord, imageRecord, storedImage, type Usage } from '../image/record'
import { type ImageRequest, imageRequestSchema } from '../image/request'
import { summarySchema } from '../providers/provider'
import type { ServedBy } from '../ledger/entry'
import type { Task } from './task'

const callEnding = z.object({
  is: z.enum(['made', 'lost', 'free']),
  /** In micro-USD; undefined without a known price. */
  cost: z.number().optional(),
  /** Whether the cost is a quote, because the upstream reported none. */
  isEstimate: z.literal(true).exactOptional(),
  /** The number of its images that a lost call did not deliver. */
  missing: z.number().exactOptional(),
  /** Whether its account is not asked again, since its answer could not be used. */
  isUnusable: z.literal(true).exactOptional(),
  /** Whether the death of a process ended it. */
  isInterrupted: z.literal(true).exactOptional(),
})
/** The end of a call: its images were made, may have been made in vain, or cost nothing. */
export type CallEnding = z.infer<typeof callEnding>

const call = z.object({
  /** The id of its slot at the account. */
  seat: z.string(),
  /** The id of its account, which outlives a change of the settings. */
  accountId: z.string(),
  upstream: imageRecord.shape.upstream,
  model: z.string(),
  startedMs: z.number(),
  /** The upstream's own job, which the next process asks about. */
  job: z.string().exactOptional(),
  /** The images of the call by their indexes in the task, in the upstream's order. */
  wanted: z.array(z.number()),
  /** Notes on its adaptations, and the adapted parameters. */
  adjusted: z.array(z.string()),
  asked: imageRequestSchema.pick({ size: true, quality: true, format: true }),
  /** The size of its cropped images, as `WIDTHxHEIGHT`; missing without cropping. */
  cropped: z.string().exactOptional(),
  /** The upstream's summary; undefined until it arrives. */
  summary: summarySchema.exactOptional(),
  /** The upstream's progress, from 0 to 100. */
  percent: z.number().exactOptional(),
  /** Set while the death of its process is counted, until another process resumes or ends it. */
  isCounted: z.literal(true).exactOptional(),
  /** Set for a call that has ended. */
  isOver: z.literal(true).exactOptional(),
  /** Its end for the money; missing for a call under way, and in rows of an earlier version. */
  ending: callEnding.exactOptional(),
})
/** One call of an upstream for some images of a task; times are in ms since 1970. */
export type Call = z.infer<typeof call>

export const progressSchema = z.object({
  /** Images by their index. */
  images: z.array(storedImage.optional()),
  calls: z.array(call),
  /** The steps of the route so far, as `route` of an audit. */
  route: z.string().exactOptional(),
  /** The highest progress so far, in whole percent; undefined until an upstream reports one. */
  percent: z.number().exactOptional(),
})
/** The progress of a run, stored so that the next process can resume it. */
export type Progress = z.infer<typeof progressSchema>

/** The upstream of a call. */
export const upstreamOfCall = ({ upstream, model }: Call): ServedBy => ({ ...upstream, model })

/** Whether all images are stored. */
export const isComplete = ({ images }: Pick<ImageRecord | Progress, 'images'>, { request }: Task): boolean =>
  images.filter(Boolean).length === request.n

/** Whether equal requests of others get an answer: one image less is no answer to them. */
export const mayBeShared = (record: ImageRecord, task: Task): boolean => task.shared && isComplete(record, task)

/** The indexes of the missing images. */
export const missingFrom = ({ images }: Progress, { request }: Task): number[] =>
  Array.from({ length: request.n }, (_, index) => index).filter((index) => !images[index])

/** The calls of a dead process that have a job at their upstream. */
export const resumable = ({ calls, images }: Progress): (Call & { job: string })[] =>
  calls.flatMap(({ job, ...call }) =>
    job !== undefined && !call.isOver && call.wanted.some((index) => !images[index]) ? [{ ...call, job }] : [],
  )

/** Notes the progress of a call. Returns that of the run; it never falls. */
export function percentWith(call: Call, percent: number, progress: Progress, n: number): number {
  call.percent = Math.min(100, percent)
  const shares = progress.calls.flatMap(({ isOver, wanted, percent: share = 0 }) =>
    isOver ? [] : wanted.filter((index) => !progress.images[index]).map(() => share),
  )
  const sum = shares.reduce((total, share) => total + share, 100 * progress.images.filter(Boolean).length)
  progress.percent = Math.max(progress.percent ?? 0, Math.floor(sum / n))
  return progress.percent
}

/** The indexes of a call's missing images. */
export const missingOf = ({ wanted }: Call, { images }: Progress): number[] => wanted.filter((index) => !images[index])

/** Ends a call. Its missing images are for other calls. */
export function end(call: Call, progress: Progress): void {
  const missing = missingOf(call, progress)
  call.wanted = call.wanted.filter((index) => !missing.includes(index))
  call.isOver = true
}

/** The request of a call, with the number of its images. */
export const requestOf = ({ request }: Task, { asked, wanted }: Call): ImageRequest => ({
  ...request,
  ...asked,
  n: wanted.length,
})

/** The number of a call's stored images. */
export const madeBy = ({ wanted }: Call, { images }: Progress): number => wanted.filter((index) => images[index]).length

/** The record of a run's images; facts that the upstream did not report come from the request. */
export function recordOf(
  task: Task,
  progress: Progress,
  { nowMs, route, cost }: { nowMs: number; route: string; cost: number | undefined },
): ImageRecord {
  const calls = progress.calls.filter((call) => madeBy(call, progress) > 0)
  const [first] = calls
  if (!first) throw new Error('nothing was made')
  const request = requestOf(task, first)
  const { size, quality, background, format } = first.summary ?? {}
  const asked = (value: string): string | undefined => (value === 'auto' ? undefined : value)
  const adjusted = [...new Set(calls.flatMap((call) => call.adjusted))]
  return {
    id: task.id,
    createdMs: nowMs,
    tookMs: nowMs - Math.min(...calls.map(({ startedMs }) => startedMs)),
    operation: request.operation,
    model: first.model,
    upstream: first.upstream,
    images: progress.images.flatMap((image, index) => {
      const revisedPrompt = revisedPromptOf(index, calls)
      return image ? [{ ...image, ...(revisedPrompt ? { revisedPrompt } : {}) }] : []
    }),
    size: first.cropped ?? size ?? asked(request.size),
    quality: quality ?? asked(request.quality),
    background: background ?? asked(request.background),
    format: format ?? request.format,
    usage: sumOf(calls.map(({ summary }) => summary?.usage)),
    cost,
    route,
    ...(adjusted.length > 0 ? { adjusted } : {}),
  }
}

const revisedPromptOf = (index: number, calls: readonly Call[]): string | undefined =>
  calls
    .map(({ wanted, summary }) => summary?.revisedPrompts?.[wanted.indexOf(index)])
    .find((prompt) => prompt !== undefined)

/** The sum of all calls; undefined if one of them reported none. */
function sumOf([first, ...others]: readonly (Usage | undefined)[]): Usage | undefined {
  return others.reduce((sum, each) => (sum && each ? addUsage(sum, each) : undefined), first)
}
