import { OwedSettlements } from './owed-settlements'
import { StoredAnswer } from './stored-answer'
import { Previews } from './previews'
import { Outbox } from './outbox'
import { Receivers } from './receivers'
import { StateRows } from './state-rows'
import { TaskRows } from './task-rows'

/** All that a generation stores. Each part reads its rows once in a process, and is the only one to write them. */
export interface Rows {
  tasks: TaskRows
  state: StateRows
  receivers: Receivers
  kept: StoredAnswer
  previews: Previews
  outbox: Outbox
  owed: OwedSettlements
}

/** Reads the rows of a generation. A row that this version cannot read is logged and left. */
export function openRows(storage: DurableObjectStorage, env: Env): Rows {
  const tasks = new TaskRows(storage)
  const outbox = new Outbox(storage, env)
  return {
    tasks,
    state: new StateRows(storage, tasks),
    receivers: new Receivers(storage, tasks),
    kept: new StoredAnswer(storage),
    previews: new Previews(storage),
    outbox,
    owed: new OwedSettlements(storage, env, outbox),
  }
}
