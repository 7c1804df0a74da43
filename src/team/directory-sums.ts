import * as z from 'zod'
import { NO_DAY } from '../ledger/changed-days'
import { EMPTY_USAGE_ROW, type ReportPeriod, type SumsPart, type UsageRow, usageRow } from '../ledger/usage'
import { hasRows, type ObjectStore, readRow, readRows } from '../runtime/stored'

const PLACE = ['day', 'key', 'model', 'upstream']
const COLUMNS = Object.keys(EMPTY_USAGE_ROW)
const AMOUNTS = COLUMNS.filter((column) => !PLACE.includes(column))

/** A mark has the numbers of a team's newest changed answer and of its stored one, with its time. */
const SUMS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS sums (
    team TEXT, ${PLACE.map((column) => `${column} TEXT`).join(', ')},
    ${AMOUNTS.map((column) => `${column} INTEGER NOT NULL`).join(', ')}, PRIMARY KEY (team, ${PLACE.join(', ')})
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (
    team TEXT PRIMARY KEY, marked INTEGER, stored INTEGER, asked_ms INTEGER
  ) WITHOUT ROWID;
`

const teamUsageRow = usageRow.extend({ team: z.string() })
/** The use of a team's key, model and upstream on one day. */
export type TeamUsageRow = z.infer<typeof teamUsageRow>

const waitingTeam = z.object({
  id: z.string(),
  created_ms: z.number(),
  /** The number of its stored answer, and the time when it was asked, in ms since 1970; null without one. */
  stored: z.number().nullable(),
  asked_ms: z.number().nullable(),
})
/** A listed team that has changed since its stored answer, or has none. */
export type WaitingTeam = z.infer<typeof waitingTeam>

const WAITING = `SELECT id, created_ms, stored, asked_ms FROM teams LEFT JOIN marks ON marks.team = teams.id
  WHERE (stored IS NULL OR marked > stored)`

/** The sums of all listed teams, each as its team reported them last. */
export class DirectorySums {
  readonly #storage: ObjectStore

  constructor(storage: ObjectStore) {
    this.#storage = storage
  }

  /** Creates the tables; false if they were there. */
  createTables(): boolean {
    const { sql } = this.#storage
    const isNew = !hasRows(sql, "SELECT 1 FROM sqlite_master WHERE name = 'sums'")
    sql.exec(SUMS_SCHEMA)
    return isNew
  }

  /** Notes that the answer of a number has changes. */
  mark(team: string, epoch: number): void {
    this.#storage.sql.exec(
      `INSERT INTO marks (team, marked) SELECT id, ?2 FROM teams WHERE id = ?1
       ON CONFLICT DO UPDATE SET marked = excluded.marked WHERE coalesce(marked, 0) < excluded.marked`,
      team,
      epoch,
    )
  }

  /** The teams to ask: those without an answer first, and then those with the oldest one. */
  waiting(): WaitingTeam[] {
    return readRows(this.#storage.sql, waitingTeam, `${WAITING} ORDER BY coalesce(asked_ms, 0), id`)
  }

  /** One team, if it is to be asked. */
  waitingTeam(id: string): WaitingTeam | undefined {
    return readRow(this.#storage.sql, waitingTeam, `${WAITING} AND id = ?`, id)
  }

  /** Whether a team is still the listed one of its id. */
  isListed({ id, created_ms }: WaitingTeam): boolean {
    return hasRows(this.#storage.sql, 'SELECT 1 FROM teams WHERE id = ? AND created_ms = ?', id, created_ms)
  }

  /** Replaces the days of a part of a team's answer. Equal rows are not written. */
  store(team: string, { from, to = NO_DAY, rows }: SumsPart): void {
    const { sql } = this.#storage
    const query = `SELECT ${COLUMNS.join(', ')} FROM sums WHERE team = ? AND day BETWEEN ? AND ?`
    const former = new Map(
      readRows(sql, usageRow, query, team, from, to).map((row) => [usagePlaceOf(row).join('\n'), row]),
    )
    for (const row of rows) {
      const before = former.get(usagePlaceOf(row).join('\n'))
      former.delete(usagePlaceOf(row).join('\n'))
      if (JSON.stringify(before) !== JSON.stringify(row)) this.#put({ team, ...row })
    }
    for (const gone of former.values())
      sql.exec(`DELETE FROM sums WHERE (team, ${PLACE.join(', ')}) = (?, ?, ?, ?, ?)`, team, ...usagePlaceOf(gone))
  }

  /** Notes that the parts of a team's answer are stored. */
  stored(team: string, epoch: number, askedMs: number): void {
    this.#storage.sql.exec(
      `INSERT INTO marks (team, stored, asked_ms) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET stored = excluded.stored, asked_ms = excluded.asked_ms`,
      team,
      epoch,
      askedMs,
    )
  }

  /** Notes that there is no such team behind its row in the list. */
  clear(team: string, askedMs: number): void {
    this.remove(team)
    this.stored(team, 0, askedMs)
  }

  /** Removes all that is stored of a team. */
  remove(team: string): void {
    for (const table of ['sums', 'marks']) this.#storage.sql.exec(`DELETE FROM ${table} WHERE team = ?`, team)
  }

  /** Up to `limit` rows of a period by team, day, key, model and upstream, from the row behind `after`. */
  page({ from, to, key }: ReportPeriod, limit: number, after: TeamUsageRow | undefined): TeamUsageRow[] {
    return readRows(
      this.#storage.sql,
      teamUsageRow,
      // The order of the tables is that of the rows: each team has an index entry where its period begins.
      `SELECT team, ${COLUMNS.join(', ')} FROM teams CROSS JOIN sums
       WHERE sums.team = teams.id AND day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR key = ?3)
         AND teams.id >= ?4 AND (teams.id > ?4 OR (day, key, model, upstream) > (?5, ?6, ?7, ?8))
       ORDER BY teams.id, day, key, model, upstream LIMIT ?9`,
      from,
      to,
      key ?? null,
      after?.team ?? '',
      ...(after ? usagePlaceOf(after) : PLACE.map(() => '')),
      limit,
    )
  }

  #put(row: TeamUsageRow): void {
    const columns = Object.keys(row)
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO sums (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ...Object.values(row),
    )
  }
}

const usagePlaceOf = ({ day, key, model, upstream }: UsageRow): string[] => [day, key, model, upstream]
