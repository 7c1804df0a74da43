import { TEXT_OPERATION } from './entry'

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
export type UsageRow = {
  day: string
  key: string
  model: string
  upstream: string
  hits: number
  joins: number
  generations: number
  failures: number
  images: number
  input_tokens: number
  output_tokens: number
  cost: number
  /** The part of the cost that is an estimate. */
  estimated: number
  /** Generations without a known price. */
  unpriced: number
  saved: number
}

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

/** The duration of successful generations of images: the mean and the 95th percentile (nearest rank). */
export type LatencySummary = { mean_ms: number | null; p95_ms: number | null }

/** The use by a team or a key in a period. */
export interface UsageReport {
  rows: UsageRow[]
  latency: LatencySummary
}

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
  SELECT date(started_ms / 1000, 'unixepoch') AS day, key, model, coalesce(upstream, '') AS upstream,
    0 AS hits, 0 AS joins, 1 AS generations, status NOT IN ('succeeded', 'cancelled') AS failures, images,
    coalesce(input_tokens, 0) AS input_tokens, coalesce(output_tokens, 0) AS output_tokens,
    coalesce(cost, 0) AS cost, estimated, cost IS NULL AS unpriced, 0 AS saved
  FROM ledger WHERE status <> 'running' AND started_ms >= unixepoch(?1) * 1000 AND started_ms < (unixepoch(?2) + 86400) * 1000
  UNION ALL
  SELECT day, key, model, upstream, hits, joins, 0, 0, 0, 0, 0, 0, 0, 0, saved FROM free WHERE day BETWEEN ?1 AND ?2
`

const USAGE_SUMS = ['hits', 'joins', 'generations', 'failures', 'images', 'input_tokens', 'output_tokens']
  .concat('cost', 'estimated', 'unpriced', 'saved')
  .map((column) => `coalesce(sum(${column}), 0) AS ${column}`)
  .join(', ')

/** Reports of a team's use, computed from its ledger, so that the two cannot differ. */
export class UsageReports {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(FREE_ANSWERS_SCHEMA)
  }

  /** Adds free answers of a key to a day (YYYY-MM-DD, UTC). */
  count(day: string, key: string, answers: readonly FreeAnswers[]): void {
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

  #rows({ from, to, key }: ReportPeriod): UsageRow[] {
    return this.#sql
      .exec<UsageRow>(
        `SELECT day, key, model, upstream, ${USAGE_SUMS} FROM (${USAGE_ROWS}) WHERE ?3 IS NULL OR key = ?3
         GROUP BY day, key, model, upstream ORDER BY day, key, model, upstream`,
        from,
        to,
        key ?? null,
      )
      .toArray()
  }

  #latency({ from, to, key }: ReportPeriod): LatencySummary {
    return this.#sql
      .exec<LatencySummary>(
        `WITH took AS (
           SELECT ended_ms - started_ms AS ms FROM ledger
           WHERE status = 'succeeded' AND operation <> '${TEXT_OPERATION}' AND started_ms >= unixepoch(?1) * 1000
             AND started_ms < (unixepoch(?2) + 86400) * 1000 AND (?3 IS NULL OR key = ?3)
         )
         SELECT (SELECT avg(ms) FROM took) AS mean_ms, (
           SELECT ms FROM took ORDER BY ms LIMIT 1 OFFSET (SELECT max(0, (count(*) * 95 + 99) / 100 - 1) FROM took)
         ) AS p95_ms`,
        from,
        to,
        key ?? null,
      )
      .one()
  }
}
