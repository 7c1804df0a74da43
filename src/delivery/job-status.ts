import type { Context } from 'hono'
import { type App, linkOf } from '../context'
import type { Snapshot } from '../ledger/snapshot'
import type { KnownGeneration } from '../ledger/entry'
import { generationJson } from '../wire/json'

/** How a job stands. */
export interface Status {
  snapshot: Snapshot
  /** What its team knows of it. */
  found: Pick<KnownGeneration, 'ordersBefore' | 'usualMs'>
}

/** No job is said to be nearly done for longer than it takes. */
const MOST_ESTIMATED = 95
/** Sooner is not worth asking again; nor does it hurt to ask once a minute. */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [1000, 60_000]
const DEFAULT_WAIT_MS = 5000

export const isEnded = ({ status }: Snapshot): boolean => status !== 'queued' && status !== 'running'

/** A generation as its team may see it, how far it is, and how many wait before it. */
export const wordedStatus = ({ snapshot, found }: Status, c: Context<App>): Record<string, unknown> => ({
  ...generationJson(snapshot, linkOf(c), c.get('config').creditsPerUsd),
  progress: progressOf(snapshot, found.usualMs, Date.now()),
  queued_before: snapshot.status === 'queued' ? (found.ordersBefore ?? null) : null,
})

/**
 * How far one is, from 0 to 100, by the upstream's own account; else by how long the last ones took, which is told to be an
 * estimate.
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

/** When to come again, in seconds; nothing once it has ended. */
export function retryHeaders({ snapshot, found: { usualMs } }: Status, nowMs: number): Record<string, string> {
  if (isEnded(snapshot)) return {}
  const elapsedMs = snapshot.startedMs === undefined ? 0 : nowMs - snapshot.startedMs
  const leftMs = usualMs === undefined ? DEFAULT_WAIT_MS : usualMs - elapsedMs
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, leftMs))
  return { 'retry-after': String(Math.ceil(waitMs / 1000)) }
}
