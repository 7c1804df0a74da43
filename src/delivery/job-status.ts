import type { Context } from 'hono'
import { type App, linkOf } from '../context'
import { isEnded, type Snapshot } from '../ledger/snapshot'
import type { JobFacts } from '../ledger/entry'
import { generationJson } from '../wire/json'

/** The status of a generation. */
export interface GenerationStatus {
  snapshot: Snapshot
  /** The facts of its team's ledger. */
  known: JobFacts
}

/** The highest estimate, in percent: only the upstream reports 100. */
const MOST_ESTIMATED = 95
/** The bounds of `retry-after`, in ms. */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [1000, 60_000]
const DEFAULT_WAIT_MS = 5000

/** The JSON of a status, with the progress and the place in the queue. */
export const statusJson = ({ snapshot, known }: GenerationStatus, c: Context<App>): Record<string, unknown> => ({
  ...generationJson(snapshot, linkOf(c), c.get('config').creditsPerUsd),
  progress: progressOf(snapshot, known.usualMs, Date.now()),
  queued_before: snapshot.status === 'queued' ? (known.ordersBefore ?? null) : null,
})

/**
 * The progress from 0 to 100, as the upstream reports it. Without a report, an estimate from the usual time of the
 * model.
 */
export function progressOf(
  { status, percent, startedMs }: Snapshot,
  usualMs: number | undefined,
  nowMs: number,
): { percent: number; estimated: boolean } | null {
  if (status === 'succeeded') return { percent: 100, estimated: false }
  if (status !== 'running') return null
  if (percent !== undefined) return { percent, estimated: false }
  if (!usualMs || startedMs === undefined) return null
  const share = Math.floor((100 * (nowMs - startedMs)) / usualMs)
  return { percent: Math.max(0, Math.min(MOST_ESTIMATED, share)), estimated: true }
}

/** `retry-after` in seconds; no header after the end. */
export function retryHeaders(
  { snapshot, known: { usualMs } }: GenerationStatus,
  nowMs: number,
): Record<string, string> {
  if (isEnded(snapshot)) return {}
  const elapsedMs = snapshot.startedMs === undefined ? 0 : nowMs - snapshot.startedMs
  const leftMs = usualMs === undefined ? DEFAULT_WAIT_MS : usualMs - elapsedMs
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, leftMs))
  return { 'retry-after': String(Math.ceil(waitMs / 1000)) }
}
