import * as z from 'zod'
import { describe, log } from '../../runtime/log'
import { entryOrNone } from '../../runtime/stored'
import { removePartials } from '../../store/images'

/** The wait before previews that could not be removed are removed again, in ms. */
const REMOVE_AGAIN_MS = 60_000

/** The generation with previews in R2, and the end of their life in ms since 1970. */
const previewsRow = z.object({ generation: z.string(), untilMs: z.number() })
type PreviewsRow = z.infer<typeof previewsRow>

const PREVIEWS = 'partials'

/** The previews of ended runs in R2, which are removed when no reader is left. */
export class Previews {
  readonly #storage: DurableObjectStorage
  #row: PreviewsRow | undefined

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#row = entryOrNone(storage.kv, PREVIEWS, previewsRow)
  }

  /** Has the alarm remove the previews of a generation at a moment in ms since 1970. */
  removeAt(generation: string, untilMs: number): void {
    this.#row = { generation, untilMs }
    this.#storage.kv.put<PreviewsRow>(PREVIEWS, this.#row)
  }

  /** The moment of the removal, in ms since 1970. */
  get dueMs(): number | undefined {
    return this.#row?.untilMs
  }

  /** Removes the previews that are due. Never throws. */
  async remove(bucket: R2Bucket, nowMs: number): Promise<void> {
    const row = this.#row
    if (!row || row.untilMs > nowMs) return
    try {
      await removePartials(bucket, row.generation)
      if (this.#row !== row) return
      this.#row = undefined
      this.#storage.kv.delete(PREVIEWS)
    } catch (error) {
      log('partials-not-removed', { generation: row.generation, ...describe(error) })
      this.removeAt(row.generation, Date.now() + REMOVE_AGAIN_MS)
    }
  }
}
