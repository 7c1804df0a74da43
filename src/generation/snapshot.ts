import type { Result } from '../runtime/errors'
import type { ImageRecord } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { Task } from './task'

/** That a generation has ended, for one of those who want to be told; without a URL, for the team's own webhook. */
export interface Notice {
  /** The event's id, by which a receiver knows one that comes again. */
  id: string
  url?: string
  /** In whose words; missing where they are the gateway's own. */
  form?: JobForm | undefined
  task: Task
  snapshot: Snapshot
}

/** A prompt is told to tell generations apart by. */
const MAX_PROMPT = 500

/** One that has not ended. */
export function begun(
  { id, requestId, payer, request }: Task,
  stands: Pick<Snapshot, 'status' | 'createdMs' | 'startedMs' | 'percent'>,
): Snapshot {
  const { model, operation, prompt, n, size, quality } = request
  const asked = { model, operation, prompt: prompt.slice(0, MAX_PROMPT), n, size, quality }
  return { id, request: requestId, key: payer.key, ...asked, images: [], ...stands }
}

/** What came of one, and what that cost whoever asked for it; `arrived` is what there is of one that was cancelled. */
export interface End {
  made: Result<ImageRecord>
  arrived?: ImageRecord | undefined
  cost: number | undefined
  endedMs: number
}

/** The same, now that it has ended. */
export function ended(before: Snapshot, { made, arrived, cost, endedMs }: End): Snapshot {
  const { percent: _, ...rest } = before
  const record = made.ok ? made.value : arrived
  const facts = record && {
    images: record.images.map(({ key }) => key),
    servedModel: record.model,
    upstream: record.upstream.name,
    size: record.size ?? before.size,
    quality: record.quality ?? before.quality,
  }
  const known = { ...rest, ...facts, endedMs, cost }
  if (made.ok) return { ...known, status: 'succeeded' }
  return { ...known, status: made.failure.code === 'cancelled' ? 'cancelled' : 'failed', failure: made.failure }
}
