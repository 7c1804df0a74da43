import { DurableObject } from 'cloudflare:workers'
import * as z from 'zod'
import type { Failure } from '../failures/errors'
import type { ReportPeriod } from '../ledger/usage'
import { arm, ring } from '../runtime/alarm'
import { MINUTE_MS, SECOND_MS } from '../runtime/durations'
import { hasRows, readRow, readRows } from '../runtime/stored'
import { DirectorySums, type TeamUsageRow } from './directory-sums'
import { askSums, SumsGatherer } from './gather-sums'

/** A team in the directory. */
const listedTeam = z.object({ id: z.string(), name: z.string(), created_ms: z.number() })
export type ListedTeam = z.infer<typeof listedTeam>

/** The delay after a mark, in ms. Only then are teams asked without a report, if too many wait for the next one. */
const GATHER_MS = 10 * MINUTE_MS

/** The teams that a report asks. */
interface TeamsToAsk {
  ids: string[]
  /** The time of the oldest answer that is not renewed, in ms since 1970. Undefined if one is missing for good. */
  asOfMs: number | undefined
}

/** The list of all teams, and their sums for reports. Limits and money of a team are in its own object. */
export class Directory extends DurableObject<Env> {
  readonly #sums = new DirectorySums(this.ctx.storage)
  readonly #gatherer = new SumsGatherer(this.#sums, askSums(this.env))

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { sql } = ctx.storage
    sql.exec(
      'CREATE TABLE IF NOT EXISTS teams (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID',
    )
    // The directory of an earlier version has teams without sums.
    if (this.#sums.createTables() && hasRows(sql, 'SELECT 1 FROM teams LIMIT 1')) this.#armIn(SECOND_MS)
  }

  /** Adds a team, unless it is listed. The sums of an earlier team of the id go. */
  add({ id, name, created_ms }: ListedTeam): void {
    const { sql } = this.ctx.storage
    const listed = readRow(sql, listedTeam, 'SELECT * FROM teams WHERE id = ?', id)
    if (listed?.created_ms === created_ms) return
    this.remove(id)
    sql.exec('INSERT INTO teams (id, name, created_ms) VALUES (?, ?, ?)', id, name, created_ms)
  }

  rename(id: string, name: string): void {
    this.ctx.storage.sql.exec('UPDATE teams SET name = ? WHERE id = ?', name, id)
  }

  remove(id: string): void {
    this.ctx.storage.sql.exec('DELETE FROM teams WHERE id = ?', id)
    this.#sums.remove(id)
  }

  /** Up to `limit` teams in the order of their ids, from the one behind `after`. */
  list(limit: number, after = ''): ListedTeam[] {
    const query = 'SELECT id, name, created_ms FROM teams WHERE id > ? ORDER BY id LIMIT ?'
    return readRows(this.ctx.storage.sql, listedTeam, query, after, limit)
  }

  /** Notes that a team has changed: its next answer has the number `epoch`. */
  mark(team: string, epoch: number): void {
    this.#sums.mark(team, epoch)
    this.#armIn(GATHER_MS)
  }

  /** The teams that changed since their stored answers, or the `most` of them with the oldest ones. */
  toAsk(most: number): TeamsToAsk {
    const waiting = this.#sums.waiting()
    const [first] = waiting.slice(most)
    if (first) this.#armIn(SECOND_MS)
    const asOfMs = first ? (first.asked_ms ?? undefined) : Date.now()
    return { ids: waiting.slice(0, most).map(({ id }) => id), asOfMs }
  }

  /** Stores the answers of teams. Returns the failure of one that did not answer. */
  async gather(teams: readonly string[]): Promise<Failure | undefined> {
    return await this.#gatherer.gather(teams)
  }

  /** Up to `limit` rows of use by team, day, key, model and upstream, from the row behind `after`. */
  usage(period: ReportPeriod, limit: number, after: TeamUsageRow | undefined): TeamUsageRow[] {
    return this.#sums.page(period, limit, after)
  }

  /** Asks teams if many wait. */
  override async alarm(invocation?: AlarmInvocationInfo): Promise<void> {
    await ring(this.ctx.storage, invocation, [
      async () => {
        if (await this.#gatherer.gatherInBackground()) this.#armIn(MINUTE_MS)
      },
    ])
  }

  #armIn(delayMs: number): void {
    this.ctx.waitUntil(arm(this.ctx.storage, () => Date.now() + delayMs))
  }
}
