import { type Failure, GatewayError, unwrap } from '../failures/errors'
import type { ReportPeriod } from '../ledger/usage'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import type { TeamUsageRow } from '../team/directory-sums'
import { TEAMS_AT_ONCE } from '../team/gather-sums'

/** The most teams that one report asks: some 5 s, with an object 100 ms away. */
const MOST_ASKED = 2000

/** The rows of one answer of the directory, some 2 MB. */
const ROWS_OF_PAGE = 5000

/** The use of teams, and the time in ms since 1970 up to which it is complete. */
interface UsageOfTeams {
  asOfMs: number
  rows: TeamUsageRow[]
}

/** The use of one team, or of every team of the directory. Throws GatewayError, `unavailable` before it is added up. */
export async function usageOfTeams(env: Env, only: string | undefined, period: ReportPeriod): Promise<UsageOfTeams> {
  if (only === undefined) return { asOfMs: await gather(env), rows: await gatheredRows(env, period) }
  const asOfMs = Date.now()
  const { rows } = unwrap(await askTeam(env, only, async (team) => await team.usage(period)))
  return { asOfMs, rows: rows.map((row) => ({ team: only, ...row })) }
}

/** Has the directory ask the teams that changed since its last question. Returns the time of the oldest answer. */
async function gather(env: Env): Promise<number> {
  const { ids, asOfMs } = await askDirectory(env, async (directory) => await directory.toAsk(MOST_ASKED))
  for (let from = 0; from < ids.length; from += TEAMS_AT_ONCE) {
    const some = ids.slice(from, from + TEAMS_AT_ONCE)
    const failure = await askDirectory(env, async (directory) => await directory.gather(some))
    if (failure) throw new GatewayError(failure)
  }
  if (asOfMs === undefined) throw new GatewayError(NOT_GATHERED)
  return asOfMs
}

async function gatheredRows(env: Env, period: ReportPeriod): Promise<TeamUsageRow[]> {
  const rows: TeamUsageRow[] = []
  for (let last: TeamUsageRow | undefined; ;) {
    const after = last
    const page = await askDirectory(env, async (directory) => await directory.usage(period, ROWS_OF_PAGE, after))
    rows.push(...page)
    last = page.at(-1)
    if (!last || page.length < ROWS_OF_PAGE) return rows
  }
}

const NOT_GATHERED: Failure = {
  code: 'unavailable',
  message: 'The usage of all teams is being gathered after an update of the gateway. Try again in a minute.',
  retryAfterMs: 10_000,
}
