import { missingOf, isComplete, type Call, type Progress } from './progress'
import type { PlacedOrder, Run } from './state'
import type { Task } from './task'

/** Attempts for images after a process died with calls that cannot be resumed. */
const MAX_ATTEMPTS = 2
/** Resumptions of one run with calls in hand: its request may be what ends the processes. */
const MAX_DEATHS = 20

/** Mints an id of a kind. */
export type Mint = (kind: 'reservation' | 'process') => string

/** A new run of a task, or of an order that its team has already. */
export const newRun = (
  task: Task,
  { mint, nowMs }: { mint: Mint; nowMs: number },
  { reservation = mint('reservation'), createdMs = nowMs }: Partial<PlacedOrder> = {},
): Run => ({ task, reservation, createdMs, id: mint('process'), attempt: 1 })

/**
 * The next attempt of a run without a process; undefined for a run that ends. A death counts only with a call in hand. A
 * run that waits for its turn or for a slot goes on. Resuming jobs costs no attempt.
 */
export function nextAttempt(run: Run, isWanted: boolean, { mint }: { mint: Mint }): Run | undefined {
  const { progress, task, attempt, deaths = 0 } = run
  if (!isWanted || (progress && isComplete(progress, task))) return undefined
  const before = run.before ?? run.id
  // The id of the first process begins those of all later ones, and so finds all stored images.
  const again = { ...run, id: before + mint('process'), before }
  const asked = progress ? callsInHand(progress) : []
  if (!progress || asked.length === 0) return attempt > MAX_ATTEMPTS ? undefined : again
  if (deaths >= MAX_DEATHS) return undefined
  const counted = { ...again, deaths: deaths + 1, progress: withCounted(progress, asked) }
  if (asked.every(({ job }) => job !== undefined)) return counted
  return attempt < MAX_ATTEMPTS ? { ...counted, attempt: attempt + 1 } : undefined
}

/** The calls that an upstream may be making, with images missing. Calls of an earlier death are not in hand. */
const callsInHand = (progress: Progress): Call[] =>
  progress.calls.filter((call) => !call.isOver && !call.isCounted && missingOf(call, progress).length > 0)

const withCounted = (progress: Progress, counted: readonly Call[]): Progress => ({
  ...progress,
  calls: progress.calls.map((call) => (counted.includes(call) ? { ...call, isCounted: true } : call)),
})
