import * as z from 'zod'
import type { Result } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { MAX_KEPT_PROMPT } from '../ledger/entry'
import { type Snapshot, snapshotSchema } from '../ledger/snapshot'
import { jobFormSchema } from '../dialects/job-form'
import { type Task, taskSchema } from './task'

export const noticeSchema = z.object({
  /** The id of the event, equal for repeated attempts. */
  id: z.string(),
  url: z.string().exactOptional(),
  /** The wording; missing for the gateway's own. */
  form: jobFormSchema.optional(),
  task: taskSchema.pick({ origin: true, payer: true }),
  snapshot: snapshotSchema,
})
/** The end of a generation for one receiver; without a URL, for the team's own webhook. */
export type Notice = z.infer<typeof noticeSchema>

/** The snapshot of a generation that has not ended. */
export function begun(
  { id, requestId, payer, request }: Task,
  stands: Pick<Snapshot, 'status' | 'createdMs' | 'startedMs' | 'percent'>,
): Snapshot {
  const { model, operation, prompt, n, size, quality } = request
  const asked = { model, operation, prompt: prompt.slice(0, MAX_KEPT_PROMPT), n, size, quality }
  return { id, request: requestId, key: payer.key, ...asked, images: [], ...stands }
}

/** The end of a generation and its cost for the client. `arrived` holds the images of a cancelled one. */
export interface End {
  made: Result<ImageRecord>
  arrived?: ImageRecord | undefined
  cost: number | undefined
  estimated?: number | undefined
  endedMs: number
}

/** The snapshot of an ended generation. */
export function ended(before: Snapshot, { made, arrived, cost, estimated = 0, endedMs }: End): Snapshot {
  const { percent: _, ...rest } = before
  const record = made.ok ? made.value : arrived
  const facts = record && {
    images: record.images.map(({ key }) => key),
    servedModel: record.model,
    upstream: record.upstream.name,
    size: record.size ?? before.size,
    quality: record.quality ?? before.quality,
  }
  const known = { ...rest, ...facts, endedMs, cost, estimated }
  if (made.ok) return { ...known, status: 'succeeded' }
  return { ...known, status: made.failure.code === 'cancelled' ? 'cancelled' : 'failed', failure: made.failure }
}
