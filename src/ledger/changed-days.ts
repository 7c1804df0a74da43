import * as z from 'zod'
import { type EntryStore, readEntry } from '../runtime/stored'

/** The days of a team's sums that the directory may not have; days are YYYY-MM-DD (UTC). */
const changedDays = z.object({
  /** The number of the answer that comes next. */
  epoch: z.number(),
  /** The first day that changed since the last answer, and whether the directory knows of a change. */
  changed: z.object({ from: z.string(), isMarked: z.boolean() }).optional(),
  /** The last answer: its number, and its first day. The directory may have lost it. */
  answered: z.object({ epoch: z.number(), from: z.string() }).optional(),
})
type Changes = z.infer<typeof changedDays>

const ENTRY = 'changed-days'

/** A day before all others. */
const FIRST_DAY = ''

/** Keeps the first changed day for the directory. A further change of the same days or later ones writes nothing. */
export class ChangedDays {
  readonly #kv: EntryStore

  constructor(kv: EntryStore) {
    this.#kv = kv
  }

  /** Notes a change of a day's sums, in the transaction of the change. */
  note(day: string): void {
    const { changed, ...rest } = this.#read()
    if (changed && changed.from <= day) return
    this.#write({ ...rest, changed: { from: day, isMarked: changed?.isMarked ?? false } })
  }

  /** The number of the answer with a change that the directory does not know of; undefined without one. */
  get unmarked(): number | undefined {
    const { epoch, changed } = this.#read()
    return changed && !changed.isMarked ? epoch : undefined
  }

  /** Notes that the directory knows of a change in the answer of a number. */
  marked(epoch: number): void {
    const { changed, ...rest } = this.#read()
    if (changed && rest.epoch === epoch) this.#write({ ...rest, changed: { ...changed, isMarked: true } })
  }

  /**
   * Begins an answer to a directory that has the answers up to a number; undefined for none. Returns its number, and the
   * first day that the directory lacks. Later changes belong to the next answer.
   */
  answer(stored: number | undefined): { epoch: number; from: string } {
    const { epoch, changed, answered } = this.#read()
    const lost = answered && answered.epoch > (stored ?? 0) ? answered.from : undefined
    const lacked = [changed?.from, lost].filter((day) => day !== undefined).toSorted()
    const from = stored === undefined ? FIRST_DAY : (lacked[0] ?? NO_DAY)
    this.#write({ epoch: epoch + 1, answered: { epoch, from } })
    return { epoch, from }
  }

  #read(): Changes {
    return readEntry(this.#kv, ENTRY, changedDays) ?? { epoch: 1 }
  }

  #write(changes: Changes): void {
    this.#kv.put(ENTRY, changes)
  }
}

/** A day after all others. */
export const NO_DAY = '9999-12-31'
