import type { ImageRecord, StoredImage } from '../image/record'
import type { Summary } from '../providers/provider'
import type { Served } from '../team/entry'
import type { Task } from './task'

/** What has come of one attempt so far; kept in storage, so that an attempt that died can still be made use of. */
export interface Progress {
  upstream: ImageRecord['upstream']
  model: string
  startedMs: number
  /** The upstream's own job, which whoever takes this up asks about. */
  job?: string
  /** By their index. */
  images: (StoredImage | undefined)[]
}

/** What an attempt has received so far. */
export interface Received {
  progress: Progress
  summary: Summary
}

/** Who has an attempt. */
export const servedBy = ({ upstream, model }: Progress): Served => ({ ...upstream, model })

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
