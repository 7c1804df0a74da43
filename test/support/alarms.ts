import { listDurableObjectIds, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

/** Lets the alarms of all generations ring that are set; how many were. */
export async function ringGenerations(): Promise<number> {
  const ids = await listDurableObjectIds(env.GENERATIONS)
  const rang = await Promise.all(ids.map((id) => runDurableObjectAlarm(env.GENERATIONS.get(id))))
  return rang.filter(Boolean).length
}

/** Lets a team's alarm ring; whether it was set. */
export const ringTeam = (team: string): Promise<boolean> => runDurableObjectAlarm(env.TEAMS.getByName(team))
