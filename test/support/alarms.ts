import { listDurableObjectIds, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

/** Rings every alarm of a generation; returns their number. */
export async function ringGenerations(): Promise<number> {
  const ids = await listDurableObjectIds(env.GENERATIONS)
  const rang = await Promise.all(ids.map((id) => runDurableObjectAlarm(env.GENERATIONS.get(id))))
  return rang.filter(Boolean).length
}

/** Rings a team's alarm; returns whether it was set. */
export const ringTeam = (team: string): Promise<boolean> => runDurableObjectAlarm(env.TEAMS.getByName(team))
