import { addUsage, type ImageRecord, type StoredImage, type Usage } from '../image/record'
import type { ImageRequest } from '../image/request'
import type { Summary } from '../providers/provider'
import type { ServedBy } from '../ledger/entry'
import type { Task } from './task'

/** One call of an upstream, for some of the pictures of a task; times are ms since 1970. */
export interface Call {
  /** Its seat at the account. */
  seat: string
  /** Which account that is: its place in the settings may be another's after they were changed. */
  accountId: string
  upstream: ImageRecord['upstream']
  model: string
  startedMs: number
  /** The upstream's own job, which whoever takes this up asks about. */
  job?: string
  /** Which pictures it is to make, by their indexes in the task, in its own order. */
  wanted: number[]
  /** In what it was asked for something else than the task says, and what it was asked for where that may differ. */
  adjusted: string[]
  asked: Pick<ImageRequest, 'size' | 'quality' | 'format'>
  /** The size that its pictures were cropped to, as `WIDTHxHEIGHT`; missing where they are as it made them. */
  cropped?: string
  /** What it said of the whole; undefined until then. */
  summary?: Summary
  /** How far it is, by its upstream's own account, from 0 to 100. */
  percent?: number
  /** Whether nothing more is to come of it. */
  isOver?: true
}

/** What has come of a run so far; kept in storage, so that one that died can still be made use of. */
export interface Progress {
  /** By their index. */
  images: (StoredImage | undefined)[]
  calls: Call[]
  /** Who was asked or passed over so far, as `route` of an audit tells it. */
  route?: string
  /** How far all of it has been at most, in whole percent; undefined while no upstream has said so. */
  percent?: number
}

/** Who has a call. */
export const servedBy = ({ upstream, model }: Call): ServedBy => ({ ...upstream, model })

/** Whether every image that was asked for is stored. */
export const isComplete = ({ images }: Pick<ImageRecord | Progress, 'images'>, { request }: Task): boolean =>
  images.filter(Boolean).length === request.n

/** Which pictures there are none of yet. */
export const missingFrom = ({ images }: Progress, { request }: Task): number[] =>
  Array.from({ length: request.n }, (_, index) => index).filter((index) => !images[index])

/** The calls under way of a process that died, about whose jobs their upstreams can be asked. */
export const resumable = ({ calls, images }: Progress): (Call & { job: string })[] =>
  calls.flatMap(({ job, ...call }) =>
    job !== undefined && !call.isOver && call.wanted.some((index) => !images[index]) ? [{ ...call, job }] : [],
  )

/** Takes down how far a call is, in percent, and tells how far all of it is, which never falls. */
export function percentWith(call: Call, percent: number, progress: Progress, n: number): number {
  call.percent = Math.min(100, percent)
  const shares = progress.calls.flatMap(({ isOver, wanted, percent: share = 0 }) =>
    isOver ? [] : wanted.filter((index) => !progress.images[index]).map(() => share),
  )
  const sum = shares.reduce((total, share) => total + share, 100 * progress.images.filter(Boolean).length)
  progress.percent = Math.max(progress.percent ?? 0, Math.floor(sum / n))
  return progress.percent
}

/** Which pictures of a call there are none of. */
export const missingOf = ({ wanted }: Call, { images }: Progress): number[] => wanted.filter((index) => !images[index])

/** Ends a call; one that made less than was wanted of it is one of what it made: the rest is for others. */
export function end(call: Call, progress: Progress): void {
  const missing = missingOf(call, progress)
  call.wanted = call.wanted.filter((index) => !missing.includes(index))
  call.isOver = true
}

/** What a call was asked for, as one of all the pictures that it was to make. */
export const requestOf = ({ request }: Task, { asked, wanted }: Call): ImageRequest => ({
  ...request,
  ...asked,
  n: wanted.length,
})

/** How many pictures of a call there are. */
export const madeBy = ({ wanted }: Call, { images }: Progress): number => wanted.filter((index) => images[index]).length

/** The record of what a run has made; what the upstream did not say is taken from the request. */
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

/** Of all calls together; undefined where one of them has not told. */
function sumOf([first, ...others]: readonly (Usage | undefined)[]): Usage | undefined {
  return others.reduce((sum, each) => (sum && each ? addUsage(sum, each) : undefined), first)
}
