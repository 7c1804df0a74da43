import type { Context } from 'hono'
import type { App } from '../context'
import { GatewayError, type Result } from '../failures/errors'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import { TEAMS_AT_ONCE } from '../team/gather-sums'
import type { Team } from '../team/team'

/** Calls one team, or every team of the directory, and yields their values. Throws GatewayError. */
export async function* ofTeams<T>(
  { env }: Context<App>,
  only: string | undefined,
  ask: (team: DurableObjectStub<Team>) => Promise<Result<T>>,
): AsyncGenerator<{ id: string; value: T }> {
  if (only !== undefined) {
    const answer = await askTeam(env, only, ask)
    if (!answer.ok) throw new GatewayError(answer.failure)
    return yield { id: only, value: answer.value }
  }
  for (let after = ''; ;) {
    const from = after
    const teams = await askDirectory(env, async (directory) => await directory.list(TEAMS_AT_ONCE, from))
    const answers = await Promise.all(teams.map(async ({ id }) => ({ id, answer: await askTeam(env, id, ask) })))
    for (const { id, answer } of answers) {
      if (answer.ok) yield { id, value: answer.value }
      // A missing team was deleted meanwhile.
      else if (answer.failure.code !== 'not_found') throw new GatewayError(answer.failure)
    }
    const last = teams.at(-1)
    if (!last) return
    after = last.id
  }
}
