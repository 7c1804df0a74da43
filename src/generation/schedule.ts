import { wake } from '../runtime/alarm'
import type { GenerationStore } from './generation-store'
import type { Jobs } from './jobs'
import type { Outbox } from './outbox'

/** The parts of a generation with due times. */
interface ScheduledParts {
  store: GenerationStore
  jobs: Jobs
  outbox: Outbox
}

/** The one alarm of a generation, for all that is due. */
export class Schedule {
  readonly #storage: DurableObjectStorage
  readonly #parts: ScheduledParts

  constructor(storage: DurableObjectStorage, parts: ScheduledParts) {
    this.#storage = storage
    this.#parts = parts
  }

  /** Sets the alarm to the next due time, or empties the object without one. */
  async rearm(): Promise<void> {
    const { store, jobs } = this.#parts
    if (!jobs.isAwaited) store.forgetPrompt()
    const due = this.#nextMs()
    await (due === undefined ? this.#storage.deleteAll() : this.#storage.setAlarm(due))
  }

  /** Sets an alarm that is due and missing. Never throws. */
  wake(): Promise<void> {
    return wake(this.#storage, () => this.#nextMs())
  }

  #nextMs(): number | undefined {
    const { store, jobs, outbox } = this.#parts
    const now = Date.now()
    const dues = [...store.dues(now, jobs.next !== undefined), ...jobs.dues(now), ...outbox.dues(now)]
    return dues.length === 0 ? undefined : Math.min(...dues)
  }
}
