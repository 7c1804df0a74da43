import { DurableObject } from 'cloudflare:workers'

/** A team, as the directory knows it. */
export type ListedTeam = { id: string; name: string; created_ms: number }

/** The list of all teams; what each is allowed and owes is known by its own object. */
export class Directory extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS teams (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  /** Enters a team, unless it is there already. */
  add({ id, name, created_ms }: ListedTeam): void {
    this.ctx.storage.sql.exec('INSERT INTO teams VALUES (?, ?, ?) ON CONFLICT DO NOTHING', id, name, created_ms)
  }

  rename(id: string, name: string): void {
    this.ctx.storage.sql.exec('UPDATE teams SET name = ? WHERE id = ?', name, id)
  }

  remove(id: string): void {
    this.ctx.storage.sql.exec('DELETE FROM teams WHERE id = ?', id)
  }

  /** A page of teams by their ids, those after `after`. */
  list(limit: number, after = ''): ListedTeam[] {
    return this.ctx.storage.sql
      .exec<ListedTeam>('SELECT id, name, created_ms FROM teams WHERE id > ? ORDER BY id LIMIT ?', after, limit)
      .toArray()
  }
}
