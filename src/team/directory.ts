import { DurableObject } from 'cloudflare:workers'
import * as z from 'zod'
import { readRows } from '../runtime/stored'

/** A team in the directory. */
const listedTeam = z.object({ id: z.string(), name: z.string(), created_ms: z.number() })
export type ListedTeam = z.infer<typeof listedTeam>

/** The list of all teams. Limits and money of a team are in its own object. */
export class Directory extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS teams (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  /** Adds a team, unless it is listed. */
  add({ id, name, created_ms }: ListedTeam): void {
    this.ctx.storage.sql.exec('INSERT INTO teams VALUES (?, ?, ?) ON CONFLICT DO NOTHING', id, name, created_ms)
  }

  rename(id: string, name: string): void {
    this.ctx.storage.sql.exec('UPDATE teams SET name = ? WHERE id = ?', name, id)
  }

  remove(id: string): void {
    this.ctx.storage.sql.exec('DELETE FROM teams WHERE id = ?', id)
  }

  /** Up to `limit` teams in the order of their ids, from the one behind `after`. */
  list(limit: number, after = ''): ListedTeam[] {
    const query = 'SELECT id, name, created_ms FROM teams WHERE id > ? ORDER BY id LIMIT ?'
    return readRows(this.ctx.storage.sql, listedTeam, query, after, limit)
  }
}
