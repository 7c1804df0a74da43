import gateway, { Team as GatewayTeam } from '../../../src/index.ts'

export * from '../../../src/index.ts'

/** Entries of one statement, and of one `/__grow`. */
const AT_ONCE = 20_000

const FILLS = ['/__fill', '/__grow', '/__use', '/__files']

/** The gateway's team, with a ledger and sums that can be filled. */
export class Team extends GatewayTeam {
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))]
    if (pathname === '/__files')
      return Response.json(this.ctx.storage.sql.exec('SELECT count(*) AS files FROM archive').one())
    if (pathname === '/__use') this.#use(count)
    else if (pathname === '/__grow') this.#grow(from, count)
    else this.#leave(count, Number(searchParams.get('days')))
    return new Response('filled')
  }

  /** Adds the next entries of `count`, and sums all of them after the last. */
  #grow(from: number, count: number): void {
    this.#fill(from, count, Date.now())
    if (from + AT_ONCE < count) return
    this.ctx.storage.sql.exec(
      `INSERT OR REPLACE INTO days SELECT date(started_ms / 1000, 'unixepoch'), key, model, upstream, count(*), 0, sum(images),
         count(*), count(*), sum(cost), 0, 0, 300 * count(*), json_object('197', count(*))
       FROM ledger WHERE status = 'succeeded' GROUP BY 1, 2, 3, 4`,
    )
  }

  /**
   * Leaves a ledger of `count` entries as an earlier version does; the next process finds it. They ended `days` days ago
   * or before.
   */
  #leave(count: number, days: number): void {
    const { sql, kv } = this.ctx.storage
    const now = Date.now() - days * 86_400_000
    for (let from = 0; from < count; from += AT_ONCE) this.#fill(from, count, now)
    sql.exec('DROP TABLE days')
    kv.delete('unsummed')
  }

  /** Adds the use of every tenth day, from today back. */
  #use(days: number): void {
    this.ctx.storage.sql.exec(
      `WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < ?)
       INSERT INTO days SELECT date('now', '-' || (10 * i) || ' days'), 'key_of_the_benchmark', 'gpt-image-2', 'bench',
         7, 1, 6, 100, 1000, 40000, 0, 0, 9000, '{"300":6}' FROM number`,
      days,
    )
  }

  /** Adds entries like the team's first one, from a time back to the start of its month. */
  #fill(from: number, count: number, nowMs: number): void {
    const { sql } = this.ctx.storage
    const monthMs = nowMs - Date.parse(`${new Date(nowMs).toISOString().slice(0, 7)}-01`)
    const [first = {}] = sql.exec('SELECT * FROM ledger LIMIT 1').toArray()
    const own = ['id', 'generation', 'started_ms', 'ended_ms', 'kept_keys']
    const same = Object.keys(first)
      .filter((name) => !own.includes(name))
      .join(', ')
    sql.exec(
      `WITH RECURSIVE number(i) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < ?2),
         entry AS (SELECT i, CAST(?3 - (i + 1) * ?4 / ?5 AS INTEGER) AS ms FROM number)
       INSERT INTO ledger (id, generation, started_ms, ended_ms, kept_keys, ${same})
       SELECT 'seed_' || i, 'gen_' || i, ms, ms + 2000 + i % 60000, '[]', ${same}
       FROM entry, (SELECT * FROM ledger WHERE id NOT LIKE 'seed%' LIMIT 1)`,
      from,
      Math.min(from + AT_ONCE, count),
      nowMs,
      Math.floor(monthMs * 0.9),
      count,
    )
  }
}

/**
 * The gateway. `/__fill?team=&count=&days=` fills the ledger of a team, `/__grow` too and in steps, and `/__use` its
 * sums. `/__files?team=` counts the files of its archive.
 */
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    if (!FILLS.includes(pathname)) return await gateway.fetch(request, env, ctx)
    const team = env.TEAMS.getByName(searchParams.get('team') ?? '')
    return await team.fetch(request)
  },
} satisfies ExportedHandler<Env>
