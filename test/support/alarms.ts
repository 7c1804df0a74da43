import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { generations } from './objects'

/** Rings every alarm of a generation; returns their number. */
export async function ringGenerations(): Promise<number> {
  const rang = await Promise.all(generations().map((stub) => runDurableObjectAlarm(stub)))
  return rang.filter(Boolean).length
}

/** Rings a team's alarm; returns whether it was set. */
export const ringTeam = (team: string): Promise<boolean> => runDurableObjectAlarm(env.TEAMS.getByName(team))
