import { env } from 'cloudflare:workers'
import type { Cursor, Entry, ListedEntries, Order } from '../../src/ledger/entry'
import { meetsFilter, type PageFilter } from '../../src/ledger/page'
import { withoutImages } from '../../src/ledger/discard'
import { Accounting, type LimitedKey } from '../../src/team/accounting'
import { Archive } from '../../src/team/archive'
import { History } from '../../src/team/history'
import { STATIC_KEY } from '../../src/team/keys'
import { orderOf, settled } from './orders'

/** A run of a ledger, in the order of its start. */
export interface StoredRun {
  afterMs: number
  key: string
  generation: string
  operation: string
  end: 'succeeded' | 'failed' | 'expired' | 'running'
  images: number
}

/** The moment at which the process of an archive dies. */
export type Death = 'before the file' | 'after the file' | 'amid the rows'

class Died extends Error {}

const TEAM = 'acme'
const limitedKeyOf = (id: string): LimitedKey => ({ key: { ...STATIC_KEY, id }, teamLimits: {} })

/** A ledger with an archive, and a list of the same entries. */
export class ArchivedTeam {
  readonly #storage: DurableObjectStorage
  readonly accounting: Accounting
  readonly #history: History
  readonly #fileEntries: number
  #entries: Entry[] = []
  nowMs: number

  constructor(storage: DurableObjectStorage, nowMs: number, fileEntries: number) {
    this.#storage = storage
    this.nowMs = nowMs
    this.#fileEntries = fileEntries
    for (const [name] of storage.kv.list()) storage.kv.delete(name)
    for (const table of ['ledger', 'days', 'free', 'archive', 'archived', 'discarded'])
      storage.sql.exec(`DROP TABLE IF EXISTS ${table}`)
    this.accounting = new Accounting(storage)
    this.accounting.createTables()
    this.#history = new History(this.accounting, env.IMAGES)
  }

  /** Runs everything that a ledger of these runs has seen. */
  run(runs: readonly StoredRun[]): void {
    for (const [index, run] of runs.entries()) {
      this.nowMs += run.afterMs
      const order = orderOfRun(index, run)
      this.accounting.open(order, limitedKeyOf, this.nowMs)
      if (run.end === 'succeeded' || run.end === 'failed') this.#close(order, run)
    }
    this.accounting.expire(limitedKeyOf, this.nowMs + 5000)
    this.#entries = runs.flatMap((_, index) => this.accounting.ledger.entry(idOf(index)) ?? [])
  }

  #close({ id, generation }: Order, { end, images }: StoredRun): void {
    const keys = Array.from(
      { length: images },
      (_, index) => `images/${generation}/${id.replace('_', '')}-${index}.png`,
    )
    const failure = end === 'failed' ? ('upstream_failed' as const) : undefined
    this.accounting.close({ ...settled({ images: keys, failure }), id }, limitedKeyOf, this.nowMs + 1000)
  }

  /** Settles an expired run late. */
  settle(index: number): void {
    const entry = this.#entries[index]
    if (entry?.status !== 'expired') return
    this.accounting.close({ ...settled({ images: [], cost: 900 }), id: entry.id }, limitedKeyOf, this.nowMs)
    const after = this.accounting.ledger.entry(entry.id)
    if (!after) throw new Error('an expired run has left the ledger')
    this.#entries = this.#entries.map((each) => (each === entry ? after : each))
  }

  /** Deletes the first images of a run. */
  discard(index: number, count: number): void {
    const entry = this.#entries[index]
    if (!entry || entry.status === 'running') return
    const images = JSON.parse(entry.image_keys).slice(0, count)
    this.accounting.discard({ ms: entry.started_ms, id: entry.id }, images, this.nowMs)
    this.#entries = this.#entries.map((each) => (each === entry ? withoutImages(each, images, this.nowMs) : each))
  }

  /** Removes the images of entries that began before a time. */
  async retain(sinceMs: number): Promise<void> {
    const { ledger } = this.accounting
    for (const { id } of ledger.kept(sinceMs, 1000)) ledger.keepNone(id)
    await this.archive(sinceMs)
    this.#entries = this.#entries.map((each) => (each.started_ms < sinceMs ? { ...each, kept_keys: '[]' } : each))
  }

  /** Takes every due step. */
  async archive(keptSinceMs = -Infinity): Promise<void> {
    while (await this.step({ keptSinceMs })) continue
  }

  /** Takes one step. `meanwhile` happens while a file is written. */
  async step({
    death,
    meanwhile = () => {},
    keptSinceMs = -Infinity,
  }: { death?: Death | undefined; meanwhile?: () => void; keptSinceMs?: number } = {}): Promise<boolean> {
    const archive = new Archive(this.#dying(death), bucketWith(death, meanwhile), this.accounting, this.#fileEntries)
    try {
      return await archive.step(TEAM, this.nowMs, keptSinceMs)
    } catch (error) {
      if (death === undefined) throw error
      return true
    }
  }

  #dying(death: Death | undefined): Pick<DurableObjectStorage, 'transactionSync'> {
    return {
      transactionSync: (work) =>
        this.#storage.transactionSync(() => {
          const value = work()
          if (death === 'amid the rows') throw new Died()
          return value
        }),
    }
  }

  /** All entries that meet conditions, page by page, and those of the list. */
  async compared(filter: PageFilter, limit: number): Promise<{ paged: Entry[]; listed: Entry[] }> {
    const paged: Entry[] = []
    for (let after: Cursor | undefined; ;) {
      const { entries, next } = await this.#page(filter, limit, after)
      if (entries.length > limit) throw new Error(`a page of ${limit} has ${entries.length} entries`)
      paged.push(...entries)
      if (!next) break
      after = next
    }
    const listed = this.#entries
      .filter((entry) => meetsFilter(entry, filter))
      .toSorted((a, b) => b.started_ms - a.started_ms || (a.id < b.id ? 1 : -1))
    return { paged, listed }
  }

  async #page(filter: PageFilter, limit: number, after: Cursor | undefined): Promise<ListedEntries> {
    return filter.pictured
      ? await this.#history.list(TEAM, filter, limit, after)
      : await this.#history.page(TEAM, filter, limit, after)
  }

  /** The prompts of deleted entries in the bucket. */
  async deletedPrompts(): Promise<string[]> {
    const { objects } = await env.IMAGES.list({ prefix: 'ledger/' })
    const texts = await Promise.all(objects.map(async ({ key }) => (await (await env.IMAGES.get(key))?.text()) ?? ''))
    const deleted = this.#entries.filter(({ deleted_ms }) => deleted_ms !== null).map(({ id }) => promptOf(id))
    return deleted.filter((prompt) => texts.some((text) => text.includes(prompt)))
  }
}

const idOf = (index: number): string => `run_${String(index).padStart(3, '0')}`
const promptOf = (id: string): string => `the prompt of ${id};`

const orderOfRun = (index: number, { key, generation, operation, end, images }: StoredRun): Order => ({
  ...orderOf({ id: key, key }, { generation, operation, images, isAsked: index % 2 === 0 }),
  id: idOf(index),
  prompt: promptOf(idOf(index)),
  holdMs: end === 'running' ? 1e12 : 1000,
})

/** The bucket, with a death around its next file. */
function bucketWith(death: Death | undefined, meanwhile: () => void): R2Bucket {
  const put = async (...args: Parameters<R2Bucket['put']>): Promise<unknown> => {
    if (death === 'before the file') throw new Died()
    const written = await env.IMAGES.put(...args)
    meanwhile()
    if (death === 'after the file') throw new Died()
    return written
  }
  return new Proxy(env.IMAGES, {
    get: (bucket, name) => {
      if (name === 'put') return put
      const found: unknown = Reflect.get(bucket, name)
      return typeof found === 'function' ? found.bind(bucket) : found
    },
  })
}
