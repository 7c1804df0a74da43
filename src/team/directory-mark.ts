import type { ChangedDays } from '../ledger/changed-days'
import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'

/** The time for a mark, in ms; the alarm repeats it. */
const MARK_MS = 3000

/** Marks a team as changed in the directory, once for each answer. Reports ask the marked teams alone. */
export class DirectoryMark {
  readonly #changes: Pick<ChangedDays, 'unmarked' | 'marked'>
  readonly #send: (epoch: number) => Promise<void>
  /** The mark on its way, and the number of its answer. */
  #sending: { epoch: number; sent: Promise<void> } | undefined

  constructor(changes: Pick<ChangedDays, 'unmarked' | 'marked'>, send: (epoch: number) => Promise<void>) {
    this.#changes = changes
    this.#send = send
  }

  /** Whether a change lacks its mark, and none is on its way. */
  get isMissing(): boolean {
    return this.#changes.unmarked !== undefined && this.#sending === undefined
  }

  /** Resolves when the directory knows of every change so far. Throws errors of the call. */
  async sent(): Promise<void> {
    const epoch = this.#changes.unmarked
    if (epoch === undefined) return
    if (this.#sending?.epoch !== epoch) this.#sending = { epoch, sent: this.#mark(epoch) }
    await this.#sending.sent
  }

  /** The same, but a failure is logged. */
  async trySend(): Promise<void> {
    await this.sent().catch((error: unknown) => log('team-not-marked', describe(error)))
  }

  async #mark(epoch: number): Promise<void> {
    try {
      await withDeadline(MARK_MS, () => this.#send(epoch))
      this.#changes.marked(epoch)
    } finally {
      if (this.#sending?.epoch === epoch) this.#sending = undefined
    }
  }
}
