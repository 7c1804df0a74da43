import * as z from 'zod'
import { failureSchema } from '../../failures/errors'
import { describe, log } from '../../runtime/log'
import { readEntries } from '../../runtime/stored'
import { pendingSettlement } from '../outcome'
import { orderOfRun, type Phase, type QueuePlace, type Run, runSchema, type State, type Subscriber } from '../state'
import { type RowStorage, storedTask, type TaskRows } from './task-rows'

/** The version of the row of a run. Rows of version 1 have no version and no `is`. */
const VERSION = 2

const storedRun = runSchema.extend({ task: storedTask })
const runRow = z.discriminatedUnion('is', [
  storedRun.extend({ version: z.literal(VERSION), is: z.literal('running') }),
  storedRun.extend({ version: z.literal(VERSION), is: z.literal('queued'), queued: failureSchema }),
  z.object({ version: z.literal(VERSION), is: z.literal('settling'), pending: pendingSettlement }),
])
type RunRow = z.infer<typeof runRow>

/** Progress of a version before 1 has no calls, and cannot be resumed. */
const withoutCalls = z.object({ calls: z.undefined() }).transform(() => undefined)

/** A row of version 1. */
const earlierRunRow = storedRun.extend({
  createdMs: z.number().optional(),
  queued: failureSchema.optional(),
  progress: z.union([runSchema.shape.progress, withoutCalls]),
})

/** A place with `queued` waits for its turn; without, its team has not answered or it is withdrawn. */
const placeRow = orderOfRun.extend({ task: storedTask, queued: failureSchema.optional() })

/** Turns a stored row of a run into one of the present version. Throws ZodError for a row of no known version. */
function migrate(row: unknown, nowMs: number): RunRow {
  if (z.object({ version: z.number() }).safeParse(row).success) return runRow.parse(row)
  const { queued, createdMs = nowMs, ...run } = earlierRunRow.parse(row)
  const common = { ...run, createdMs, version: VERSION } as const
  return queued ? { ...common, is: 'queued', queued } : { ...common, is: 'running' }
}

const RUN = 'run'
const PLACE = 'place:'

/** The rows of a generation's state: its run, and the orders beside it. */
export class StateRows {
  readonly #storage: RowStorage
  readonly #tasks: TaskRows

  constructor(storage: RowStorage, tasks: TaskRows) {
    this.#storage = storage
    this.#tasks = tasks
  }

  /** The state with which a process begins. */
  load(subscribers: readonly Subscriber[], nowMs: number): State {
    return { phase: this.#phase(nowMs), places: this.#places(), subscribers }
  }

  /** Stores the changes from one state to the next, without what a process alone knows. */
  save(before: State, after: State): void {
    if (before.phase !== after.phase) this.#savePhase(before.phase, after.phase)
    if (before.places === after.places) return
    for (const { reservation } of before.places)
      if (!after.places.some((place) => place.reservation === reservation)) this.#storage.kv.delete(PLACE + reservation)
    for (const place of after.places) if (!before.places.includes(place)) this.#putPlace(place)
  }

  #savePhase(before: Phase, after: Phase): void {
    if (after.is === 'idle') {
      if (before.is !== 'idle') this.#storage.kv.delete(RUN)
    } else if (!isStoredAlike(before, after)) this.#storage.kv.put(RUN, this.#rowOf(after))
  }

  #rowOf(phase: Exclude<Phase, { is: 'idle' }>): RunRow {
    if (phase.is === 'settling') return { version: VERSION, is: 'settling', pending: phase.pending }
    const run = { ...phase.run, task: this.#tasks.rowOf(phase.run.task), version: VERSION } as const
    return phase.is === 'queued' ? { ...run, is: 'queued', queued: phase.instead } : { ...run, is: 'running' }
  }

  #putPlace({ task, reservation, createdMs, stands }: QueuePlace): void {
    const queued = stands.is === 'waiting' ? { queued: stands.instead } : {}
    const row: z.infer<typeof placeRow> = { task: this.#tasks.rowOf(task), reservation, createdMs, ...queued }
    this.#storage.kv.put(PLACE + reservation, row)
  }

  #phase(nowMs: number): Phase {
    const stored = this.#storage.kv.get(RUN)
    if (stored === undefined) return { is: 'idle' }
    try {
      const row = migrate(stored, nowMs)
      if (row.is === 'settling') return { is: 'settling', pending: row.pending, isInHand: false }
      const run = this.#runOf(row)
      return row.is === 'queued'
        ? { is: 'queued', run, instead: row.queued }
        : { is: 'reserving', run, isInHand: false }
    } catch (error) {
      // The team books the run as an estimate when its reservation expires.
      log('run-unreadable', describe(error))
      return { is: 'idle' }
    }
  }

  #runOf(row: Extract<RunRow, { is: 'running' | 'queued' }>): Run {
    return runSchema.parse({ ...row, task: this.#tasks.taskOf(row.task) })
  }

  #places(): QueuePlace[] {
    return [...readEntries(this.#storage.kv, PLACE, (stored) => this.#placeOf(placeRow.parse(stored))).values()]
  }

  #placeOf({ task, reservation, createdMs, queued }: z.infer<typeof placeRow>): QueuePlace {
    const stands: QueuePlace['stands'] = queued
      ? { is: 'waiting', instead: queued }
      : { is: 'leaving', awaits: 'alarm' }
    return { task: this.#tasks.taskOf(task), reservation, createdMs, stands }
  }
}

/** The parts of a phase in its row. A new process asks the team again, so a reserved run is stored as an unreserved one. */
function storedParts(phase: Phase): unknown[] {
  if (phase.is === 'idle') return []
  if (phase.is === 'settling') return [phase.pending]
  return phase.is === 'queued' ? [phase.run, phase.instead] : [phase.run]
}

function isStoredAlike(one: Phase, other: Phase): boolean {
  const [before, after] = [storedParts(one), storedParts(other)]
  return before.length === after.length && before.every((part, index) => part === after[index])
}
