import * as z from 'zod'
import { dayOf } from '../runtime/calendar'
import { hasRows, type ObjectStore, readEntry, readRow, readRows } from '../runtime/stored'
import { ChangedDays } from './changed-days'
import { type Cursor, cursorSchema, type Entry, entrySchema, TEXT_OPERATION } from './entry'
import { addLatencies, type LatencyHistogram, latencyStep, storedLatencies } from './latency'
import { type FreeAnswers, type UsageRow, usageRow } from './usage'

/** The runs of a key, model and upstream that began on one day (UTC) and have ended; amounts are micro-USD. */
interface DaySums extends Omit<UsageRow, keyof Omit<FreeAnswers, 'model' | 'upstream'>> {
  /** The durations of successful runs for images: their sum in ms, and their number in each step. */
  latency_ms: number
  latencies: LatencyHistogram
}

/** The columns of an entry that its sums depend on. */
const summedEntry = entrySchema.pick({
  id: true,
  key: true,
  model: true,
  upstream: true,
  operation: true,
  status: true,
  started_ms: true,
  ended_ms: true,
  images: true,
  input_tokens: true,
  output_tokens: true,
  cost: true,
  estimated: true,
})
type SummedEntry = z.infer<typeof summedEntry>

/** The part of an entry in the sums of its day; undefined while it runs. */
function sumsOf(entry: SummedEntry): DaySums | undefined {
  const { key, model, upstream, operation, status, started_ms, ended_ms, images, cost, estimated } = entry
  if (status === 'running') return undefined
  const latencyMs = Math.max(0, (ended_ms ?? started_ms) - started_ms)
  const isTimed = status === 'succeeded' && operation !== TEXT_OPERATION
  return {
    day: dayOf(started_ms),
    key,
    model,
    upstream: upstream ?? '',
    generations: 1,
    failures: Number(status !== 'succeeded' && status !== 'cancelled'),
    images,
    input_tokens: entry.input_tokens ?? 0,
    output_tokens: entry.output_tokens ?? 0,
    cost: cost ?? 0,
    estimated,
    unpriced: Number(cost === null),
    latency_ms: isTimed ? latencyMs : 0,
    latencies: isTimed ? { [latencyStep(latencyMs)]: 1 } : {},
  }
}

/** The sums of no run. */
const NOTHING = {
  generations: 0,
  failures: 0,
  images: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost: 0,
  estimated: 0,
  unpriced: 0,
  latency_ms: 0,
  latencies: {},
}

/** Adds sums to others of the same day, key, model and upstream, `sign` times: 1 or -1. */
const added = (to: DaySums, more: DaySums, sign: 1 | -1): DaySums => ({
  ...to,
  generations: to.generations + sign * more.generations,
  failures: to.failures + sign * more.failures,
  images: to.images + sign * more.images,
  input_tokens: to.input_tokens + sign * more.input_tokens,
  output_tokens: to.output_tokens + sign * more.output_tokens,
  cost: to.cost + sign * more.cost,
  estimated: to.estimated + sign * more.estimated,
  unpriced: to.unpriced + sign * more.unpriced,
  latency_ms: to.latency_ms + sign * more.latency_ms,
  latencies: addLatencies(to.latencies, [more.latencies], sign),
})

const placeOf = ({ day, key, model, upstream }: DaySums): [string, string, string, string] => [
  day,
  key,
  model,
  upstream,
]

const DAYS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS days (
    day TEXT, key TEXT, model TEXT, upstream TEXT, generations INTEGER NOT NULL, failures INTEGER NOT NULL,
    images INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost INTEGER NOT NULL,
    estimated INTEGER NOT NULL, unpriced INTEGER NOT NULL, latency_ms INTEGER NOT NULL, latencies TEXT NOT NULL,
    PRIMARY KEY (day, key, model, upstream)
  ) WITHOUT ROWID;
`

const storedSums = usageRow
  .omit({ hits: true, joins: true, saved: true })
  .extend({ latency_ms: z.number(), latencies: storedLatencies })

const newestRow = z.object({ ms: z.number().nullable() })

/** The entries of one step of `sumSome`: about 10 ms of work. */
const ENTRIES_OF_STEP = 1000

/**
 * The sums of each day, which every change of the ledger corrects. Reports read them alone, so that their cost does not
 * grow with the ledger. A ledger of an earlier version has none: they are made in steps, from the newest entry on.
 */
export class DailySums {
  readonly #storage: ObjectStore
  readonly #changes: ChangedDays

  constructor(storage: ObjectStore) {
    this.#storage = storage
    this.#changes = new ChangedDays(storage.kv)
  }

  /** Creates the table. The ledger of an earlier version is summed by its first step here, and by `sumSome`. */
  createTables(): void {
    const { sql, kv } = this.#storage
    const isKnown = hasRows(sql, "SELECT 1 FROM sqlite_master WHERE name = 'days'")
    sql.exec(DAYS_SCHEMA)
    if (isKnown) return
    const newest = readRow(sql, newestRow, 'SELECT max(started_ms) AS ms FROM ledger')
    if (typeof newest?.ms !== 'number') return
    kv.put('unsummed', { ms: newest.ms + 1, id: '' } satisfies Cursor)
    this.sumSome()
  }

  /** Replaces the part of an entry in the sums; undefined stands for none. */
  replace(before: Entry | undefined, after: Entry): void {
    const [was, is] = [before && this.#isSummed(before) && sumsOf(before), this.#isSummed(after) && sumsOf(after)]
    if (was) this.#add(was, -1)
    if (is) this.#add(is, 1)
  }

  /** Whether the sums from a day on (YYYY-MM-DD, UTC) lack entries of an earlier version. */
  lacks(day: string): boolean {
    const unsummed = this.#unsummed
    return unsummed !== undefined && unsummed.ms > Date.parse(day)
  }

  /** Whether any sums lack entries. */
  get isBehind(): boolean {
    return this.#unsummed !== undefined
  }

  /** Sums the next entries of an earlier version, the newest first. */
  sumSome(limit = ENTRIES_OF_STEP): void {
    const before = this.#unsummed
    if (!before) return
    this.#storage.transactionSync(() => {
      const entries = readRows(
        this.#storage.sql,
        summedEntry,
        `SELECT ${Object.keys(summedEntry.shape).join(', ')} FROM ledger WHERE (started_ms, id) < (?, ?)
         ORDER BY started_ms DESC, id DESC LIMIT ?`,
        before.ms,
        before.id,
        limit,
      )
      const sums = new Map<string, DaySums>()
      for (const more of entries.flatMap((entry) => sumsOf(entry) ?? [])) {
        const place = JSON.stringify(placeOf(more))
        const earlier = sums.get(place)
        sums.set(place, earlier ? added(earlier, more, 1) : more)
      }
      for (const each of sums.values()) this.#add(each, 1)
      const last = entries.at(-1)
      if (last && entries.length === limit)
        this.#storage.kv.put('unsummed', { ms: last.started_ms, id: last.id } satisfies Cursor)
      else this.#storage.kv.delete('unsummed')
    })
  }

  /** The place in the ledger, by time and id, below which entries are not summed; undefined if all are. */
  get #unsummed(): Cursor | undefined {
    return readEntry(this.#storage.kv, 'unsummed', cursorSchema)
  }

  /** Entries are summed by their place: those of new runs at once, older ones by `sumSome`. */
  #isSummed({ started_ms, id }: Entry): boolean {
    const below = this.#unsummed
    return !below || started_ms > below.ms || (started_ms === below.ms && id >= below.id)
  }

  #add(more: DaySums, sign: 1 | -1): void {
    const { sql } = this.#storage
    const place = placeOf(more)
    this.#changes.note(more.day)
    const query = 'SELECT * FROM days WHERE (day, key, model, upstream) = (?, ?, ?, ?)'
    const stored = readRow(sql, storedSums, query, ...place)
    const sums = added(stored ?? { ...more, ...NOTHING }, more, sign)
    if (sums.generations === 0) {
      sql.exec('DELETE FROM days WHERE (day, key, model, upstream) = (?, ?, ?, ?)', ...place)
      return
    }
    const row = { ...sums, latencies: JSON.stringify(sums.latencies) }
    const columns = Object.keys(row)
    sql.exec(
      `INSERT INTO days (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
      ...Object.values(row),
    )
  }
}
