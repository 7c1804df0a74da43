import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

/** Adds entries to a team's ledger, like its only one and each `everyMs` before the next. Their sums stay missing. */
export const addEntries = (team: string, count: number, everyMs: number): Promise<void> =>
  runInDurableObject(env.TEAMS.getByName(team), (_, { storage }) => {
    const columns = Object.keys(storage.sql.exec('SELECT * FROM ledger').one()).filter(
      (name) => !/^(id|.*_ms)$/.test(name),
    )
    storage.sql.exec(
      `WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < ?)
       INSERT INTO ledger (id, started_ms, ended_ms, expires_ms, ${columns.join(', ')})
       SELECT 'run_' || (10000 + i), started_ms - i * ?, ended_ms - i * ?, 0, ${columns.join(', ')}
       FROM number, (SELECT * FROM ledger)`,
      count,
      everyMs,
      everyMs,
    )
  })
