import * as z from 'zod'
import { type ObjectStore, readRow, readRows, type SqlStore } from '../runtime/stored'
import { ChangedDays, NO_DAY } from './changed-days'
import { addLatencies, p95Of, storedLatencies } from './latency'

/** Answers that cost nothing: cache hits, and joins to runs of other requests. */
export interface FreeAnswers {
  model: string
  upstream: string
  hits: number
  joins: number
  /** The known cost of making them, in micro-USD. */
  saved: number
}

/** The use of one key, model and upstream on one day (UTC); amounts are micro-USD. */
export const usageRow = z.object({
  day: z.string(),
  key: z.string(),
  model: z.string(),
  upstream: z.string(),
  hits: z.number(),
  joins: z.number(),
  generations: z.number(),
  failures: z.number(),
  images: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cost: z.number(),
  /** The part of the cost that is an estimate. */
  estimated: z.number(),
  /** Generations without a known price. */
  unpriced: z.number(),
  saved: z.number(),
})
export type UsageRow = z.infer<typeof usageRow>

/** A row without any use; its columns are those of a report. */
export const EMPTY_USAGE_ROW: UsageRow = {
  day: '',
  key: '',
  model: '',
  upstream: '',
  hits: 0,
  joins: 0,
  generations: 0,
  failures: 0,
  images: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost: 0,
  estimated: 0,
  unpriced: 0,
  saved: 0,
}

/** The duration of successful generations of images: the mean, and the 95th percentile (nearest rank) to 2 %. */
export type LatencySummary = { mean_ms: number | null; p95_ms: number | null }

/** The use by a team or a key in a period. */
export interface UsageReport {
  rows: UsageRow[]
  latency: LatencySummary
}

/** A part of the sums of a team, in whole days (YYYY-MM-DD, UTC). The last part has no end. */
export interface SumsPart {
  from: string
  to: string | undefined
  rows: UsageRow[]
}

/** The number of the directory's stored answer, or a further part of an answer from its first day on (UTC). */
export type SumsQuestion = { stored: number | undefined } | { epoch: number; from: string }

/** A part of the answer of a number. */
export interface NumberedPart extends SumsPart {
  epoch: number
}

/** The least rows of a part before the last one: some 20 ms of work. */
const ROWS_OF_PART = 1000

/** The days of a report (UTC, both included), and the key; all keys without one. */
export interface ReportPeriod {
  from: string
  to: string
  key?: string | undefined
}

const FREE_ANSWERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS free (
    day TEXT, key TEXT, model TEXT, upstream TEXT, hits INTEGER, joins INTEGER, saved INTEGER,
    PRIMARY KEY (day, key, model, upstream)
  ) WITHOUT ROWID;
`

/** Ended runs by the day of their start, and the free answers. */
const USAGE_ROWS = `
  SELECT day, key, model, upstream, 0 AS hits, 0 AS joins, generations, failures, images, input_tokens, output_tokens,
    cost, estimated, unpriced, 0 AS saved FROM days WHERE day BETWEEN ?1 AND ?2
  UNION ALL
  SELECT day, key, model, upstream, hits, joins, 0, 0, 0, 0, 0, 0, 0, 0, saved FROM free WHERE day BETWEEN ?1 AND ?2
`

const USAGE_SUMS = ['hits', 'joins', 'generations', 'failures', 'images', 'input_tokens', 'output_tokens']
  .concat('cost', 'estimated', 'unpriced', 'saved')
  .map((column) => `coalesce(sum(${column}), 0) AS ${column}`)
  .join(', ')

/** Reports of a team's use, from the sums of its days: a ledger of any length costs the same. */
export class UsageReports {
  readonly #sql: SqlStore
  readonly #changes: ChangedDays

  constructor({ sql, kv }: ObjectStore) {
    this.#sql = sql
    this.#changes = new ChangedDays(kv)
  }

  createTables(): void {
    this.#sql.exec(FREE_ANSWERS_SCHEMA)
  }

  /** Adds free answers of a key to a day (YYYY-MM-DD, UTC). */
  count(day: string, key: string, answers: readonly FreeAnswers[]): void {
    if (answers.length > 0) this.#changes.note(day)
    for (const { model, upstream, hits, joins, saved } of answers) {
      this.#sql.exec(
        `INSERT INTO free (day, key, model, upstream, hits, joins, saved) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET hits = hits + excluded.hits, joins = joins + excluded.joins, saved = saved + excluded.saved`,
        day,
        key,
        model,
        upstream,
        hits,
        joins,
        saved,
      )
    }
  }

  /** The report of a period. */
  of(period: ReportPeriod): UsageReport {
    return { rows: this.#rows(period), latency: this.#latency(period) }
  }

  /** A part of the changed days: about `most` rows, and as many as complete the last day. */
  changed(question: SumsQuestion, most = ROWS_OF_PART): NumberedPart {
    const { epoch, from } = 'from' in question ? question : this.#changes.answer(question.stored)
    const query = `SELECT day FROM (SELECT day FROM days UNION ALL SELECT day FROM free)
      WHERE day >= ? ORDER BY day LIMIT 1 OFFSET ?`
    const to = readRow(this.#sql, lastDay, query, from, most)?.day
    return { epoch, from, to, rows: this.#rows({ from, to: to ?? NO_DAY }) }
  }

  #rows({ from, to, key }: ReportPeriod): UsageRow[] {
    return readRows(
      this.#sql,
      usageRow,
      `SELECT day, key, model, upstream, ${USAGE_SUMS} FROM (${USAGE_ROWS}) WHERE ?3 IS NULL OR key = ?3
       GROUP BY day, key, model, upstream ORDER BY day, key, model, upstream`,
      from,
      to,
      key ?? null,
    )
  }

  #latency({ from, to, key }: ReportPeriod): LatencySummary {
    const query = 'SELECT latency_ms, latencies FROM days WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR key = ?3)'
    const days = readRows(this.#sql, storedLatency, query, from, to, key ?? null)
    const all = addLatencies(
      {},
      days.map(({ latencies }) => latencies),
      1,
    )
    const runs = Object.values(all).reduce((sum, count) => sum + count, 0)
    const totalMs = days.reduce((sum, { latency_ms }) => sum + latency_ms, 0)
    return { mean_ms: runs === 0 ? null : totalMs / runs, p95_ms: p95Of(all) }
  }
}

/** A report with all its rows in one. */
export const totalOf = ({ rows, latency }: UsageReport): UsageReport => ({
  latency,
  rows: rows.length === 0 ? [] : [rows.reduce(addedRow, EMPTY_USAGE_ROW)],
})

const addedRow = (sum: UsageRow, row: UsageRow): UsageRow => ({
  ...sum,
  hits: sum.hits + row.hits,
  joins: sum.joins + row.joins,
  generations: sum.generations + row.generations,
  failures: sum.failures + row.failures,
  images: sum.images + row.images,
  input_tokens: sum.input_tokens + row.input_tokens,
  output_tokens: sum.output_tokens + row.output_tokens,
  cost: sum.cost + row.cost,
  estimated: sum.estimated + row.estimated,
  unpriced: sum.unpriced + row.unpriced,
  saved: sum.saved + row.saved,
})

const lastDay = usageRow.pick({ day: true })
const storedLatency = z.object({ latency_ms: z.number(), latencies: storedLatencies })
