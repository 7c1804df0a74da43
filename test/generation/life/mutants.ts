import { cp, mkdir, readFile, rm, symlink, writeFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Rules } from './life'

/** A guard of the life of a generation, and what the file has without it. */
export interface Mutant {
  /** The number of the promise that breaks. */
  promise: number
  what: string
  file: string
  guard: string
  instead: string
}

export const MUTANTS: readonly Mutant[] = [
  {
    promise: 1,
    what: 'an unconfirmed settlement is dropped',
    file: 'endings.ts',
    guard: "if (!confirmed) at.emit({ do: 'owe', pending, isDue: false })",
    instead: 'if (!confirmed) void pending',
  },
  {
    promise: 1,
    what: 'a withdrawal of a held order owes nothing',
    file: 'places.ts',
    guard: "if (!isOut) emit({ do: 'owe', pending: releaseOf(place), isDue: true })",
    instead: 'void isOut',
  },
  {
    promise: 1,
    what: 'a run owes nothing to a team that was out of reach',
    file: 'turns.ts',
    guard: "const isHeld = held.is === 'unreachable'\n",
    instead: 'const isHeld = Math.min(0, 1) > 0\n',
  },
  {
    promise: 1,
    what: 'a repeated turn is refused while the run is made',
    file: 'state.ts',
    guard: "return 'run' in phase && phase.is !== 'queued' && phase.run.reservation === reservation",
    instead: "return 'run' in phase && phase.is === 'reserving' && phase.run.reservation === reservation",
  },
  {
    promise: 2,
    what: 'a told client stays',
    file: 'endings.ts',
    guard: 'return without(state, clients)',
    instead: 'return state',
  },
  {
    promise: 2,
    what: 'the refusal of one payer is told to all',
    file: 'endings.ts',
    guard: "const only = failure.code === 'cancelled' ? { team: payer.team } : payer",
    instead: "const only = failure.code === 'cancelled' ? { team: payer.team } : undefined",
  },
  {
    promise: 3,
    what: 'a run begins without its order',
    file: 'orders.ts',
    guard: 'order(run, mayWait(state, run.task.payer), at)',
    instead: 'void mayWait',
  },
  {
    promise: 3,
    what: 'demand that is left begins no run',
    file: 'endings.ts',
    guard: 'if (!demand) return',
    instead: 'if (demand || !demand) return',
  },
  {
    promise: 4,
    what: 'an outcome ends a later run',
    file: 'endings.ts',
    guard: ' || phase.run.id !== id) return state',
    instead: ') return state',
  },
  {
    promise: 4,
    what: 'a settlement ends a later one',
    file: 'endings.ts',
    guard: "if (phase.is !== 'settling' || phase.pending.settlement.id !== reservation) return state",
    instead: "if (phase.is !== 'settling') return state",
  },
  {
    promise: 5,
    what: 'a run without an answer of its team is made',
    file: 'turns.ts',
    guard: "(held.is === 'unreachable' && run.progress)",
    instead: "held.is === 'unreachable'",
  },
  {
    promise: 5,
    what: 'a run is tried after any number of deaths',
    file: 'attempts.ts',
    guard: 'return attempt < MAX_ATTEMPTS ? ',
    instead: 'return attempt < 9 * MAX_ATTEMPTS ? ',
  },
  {
    promise: 6,
    what: 'only the begin of a run is stored',
    file: 'rows/state-rows.ts',
    guard: '} else if (!isStoredAlike(before, after))',
    instead: "} else if (before.is === 'idle' && !isStoredAlike(before, after))",
  },
  {
    promise: 6,
    what: 'the row of a place forgets that it waits',
    file: 'rows/state-rows.ts',
    guard: "stands.is === 'waiting' ? { queued: stands.instead } : {}",
    instead: '{}',
  },
  {
    promise: 7,
    what: 'each order has a new id',
    file: 'orders.ts',
    guard: "emit({ do: 'reserve', order: { task, reservation, createdMs }, couldWait })",
    instead: "emit({ do: 'reserve', order: { task, reservation: `${reservation}, again`, createdMs }, couldWait })",
  },
  {
    promise: 8,
    what: 'a payer without room is settled later',
    file: 'endings.ts',
    guard: 'phase.leavesRoom === true && isWhole(outcome, run)',
    instead: 'isWhole(outcome, run)',
  },
  {
    promise: 8,
    what: 'an incomplete answer is settled later',
    file: 'endings.ts',
    guard: 'phase.leavesRoom === true && isWhole(outcome, run)',
    instead: 'phase.leavesRoom === true',
  },
]

const PROJECT = join(import.meta.dirname, '../../..')

/** Loads the rules with one guard taken out, from a copy of their files. Throws for a guard that is not there once. */
export async function rulesOf({ file, guard, instead }: Mutant, at: number): Promise<Rules> {
  const copy = join(PROJECT, '.vitest/mutants', `${process.pid}-${at}`)
  await rm(copy, { recursive: true, force: true })
  await mkdir(copy, { recursive: true })
  for (const room of await readdir(join(PROJECT, 'src')))
    if (room !== 'generation') await symlink(join(PROJECT, 'src', room), join(copy, room))
  await cp(join(PROJECT, 'src/generation'), join(copy, 'generation'), { recursive: true })
  const path = join(copy, 'generation', file)
  const text = await readFile(path, 'utf8')
  if (text.split(guard).length !== 2) throw new Error(`${file} does not have this guard once: ${guard}`)
  await writeFile(
    path,
    text.replace(guard, () => instead),
  )
  const load = (name: string): Promise<Rules> => import(/* @vite-ignore */ join(copy, 'generation', name))
  const { transition } = await load('transition.ts')
  const { holds } = await load('state.ts')
  const { StateRows } = await load('rows/state-rows.ts')
  const { TaskRows } = await load('rows/task-rows.ts')
  await rm(copy, { recursive: true })
  return { transition, holds, StateRows, TaskRows }
}
