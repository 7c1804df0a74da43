import type { Settlement } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { PendingSettlement, RunOutcome, Spending } from './outcome'
import { begun, ended } from './snapshot'
import type { PlacedOrder, Run } from './state'

/** The settlement of a reservation without a run. */
export const releaseOf = ({ task, reservation }: PlacedOrder): PendingSettlement => ({
  team: task.payer.team,
  settlement: { id: reservation, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined },
})

/** The spending of a run that has called no upstream. */
const NOTHING: Spending = { cost: 0, estimated: 0, taken: 0 }

/** The settlement of a run for the team that pays; times are in ms since 1970. */
export function settlementOf(
  { task, reservation, createdMs }: Run,
  { made, attempts, last, arrived, route, spending = NOTHING }: RunOutcome,
  { startedMs, endedMs }: { startedMs: number | undefined; endedMs: number },
): PendingSettlement & { notice: { snapshot: Snapshot } } {
  const record = made.ok ? made.value : arrived
  const { cost, estimated, taken } = spending
  const failure = made.ok ? undefined : made.failure.code
  const settlement: Settlement = {
    id: reservation,
    endedMs,
    attempts,
    cost,
    estimated,
    route,
    images: record?.images.map(({ key }) => key) ?? [],
    upstream: record ? { ...record.upstream, model: record.model } : last,
    size: record?.size,
    quality: record?.quality,
    usage: record?.usage,
    ...(failure === undefined ? {} : { failure }),
    ...(failure === 'cancelled' ? { taken } : {}),
  }
  const stood = begun(task, { status: 'running', createdMs, startedMs })
  const snapshot = ended(stood, { made, arrived, cost, estimated, endedMs })
  const { origin, payer } = task
  return { team: payer.team, settlement, notice: { id: `evt_${reservation}`, task: { origin, payer }, snapshot } }
}
