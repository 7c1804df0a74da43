/**
 * The processor time of the usage report over 3,000 teams. The first report follows an update, and the next ones have
 * teams at rest. Before the last one, 100 teams make an image each.
 */
import { build } from './build.ts'
import { Operator } from './operator.ts'
import { startUpstream } from './processes.ts'
import { type Runtime, start } from './runtime.ts'
import { gatewayVariables } from './settings.ts'
import { median } from './table.ts'

const [TEAMS, BUSY_TEAMS] = [3000, 100]
/** Days with use of each team: three or fewer of them are in the month. */
const DAYS = 36
const REPORTS = 7
/** The most processor time of a report, in ms. */
const MAX_CPU_MS = 300

const AT_ONCE = 20

const upstream = await startUpstream()
const variables: Record<string, string> = gatewayVariables(upstream.baseUrl)
const gateway = await start({ bundle: await build('test/bench/workers/filling.ts'), variables })
try {
  const operator = new Operator(gateway.url, variables['ADMIN_TOKEN'] ?? '')
  const teams = Array.from({ length: TEAMS }, (_, index) => `team-${index}`)
  console.error(`making ${TEAMS} teams`)
  await each(teams, async (team) => {
    await operator.team(team)
    await (await fetch(`${gateway.url}__use?team=${team}&count=${DAYS}`)).text()
  })
  const first = await measured(gateway, () => untilGathered(operator))
  console.log(
    `the first report: ${first.tries} tries in ${first.ms.toFixed(0)} ms, ${first.cpuMs.toFixed(0)} ms of CPU`,
  )
  const resting = await series(gateway, operator)
  console.log(`a report of ${resting.rows} rows, teams at rest: ${facts(resting)}`)
  const keys = await Promise.all(teams.slice(0, BUSY_TEAMS).map((team) => operator.key(team)))
  await each(keys, ({ key }) => image(gateway.url, key))
  const busy = await measured(gateway, () => rowsOf(operator))
  console.log(
    `the report after ${BUSY_TEAMS} teams changed: ${busy.ms.toFixed(0)} ms, ${busy.cpuMs.toFixed(0)} ms of CPU`,
  )
  const isReached = median(resting.cpuMs) <= MAX_CPU_MS
  console.log(`goal <= ${MAX_CPU_MS} ms of CPU at rest: ${isReached ? 'reached' : 'NOT REACHED'}`)
  if (!isReached) process.exitCode = 1
} finally {
  await Promise.all([gateway.stop(), upstream.stop()])
}

/** Works on items, some at the same time. */
async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    await Promise.all(items.slice(from, from + AT_ONCE).map((item) => work(item)))
}

/** The time and the processor time of some work, with its result. */
async function measured<Result extends object>(
  runtime: Runtime,
  work: () => Promise<Result>,
): Promise<Result & { ms: number; cpuMs: number }> {
  const [startedMs, cpuBefore] = [performance.now(), await runtime.cpuMs()]
  const result = await work()
  return { ...result, ms: performance.now() - startedMs, cpuMs: (await runtime.cpuMs()) - cpuBefore }
}

/** Asks for the report until every team is in it. */
async function untilGathered(operator: Operator): Promise<{ tries: number }> {
  for (let tries = 1; ; tries++) {
    const response = await operator.get('usage')
    await response.text()
    if (response.status === 200) return { tries }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function rowsOf(operator: Operator): Promise<{ rows: number }> {
  const response = await operator.get('usage')
  const report: { data: { team: string }[] } = JSON.parse(await response.text())
  if (new Set(report.data.map(({ team }) => team)).size !== TEAMS) throw new Error('the report lacks teams')
  return { rows: report.data.length }
}

async function series(runtime: Runtime, operator: Operator): Promise<{ rows: number; ms: number[]; cpuMs: number[] }> {
  const [ms, cpuMs]: [number[], number[]] = [[], []]
  let rows = 0
  for (let report = 0; report < REPORTS; report++) {
    const took = await measured(runtime, () => rowsOf(operator))
    rows = took.rows
    ms.push(took.ms)
    cpuMs.push(took.cpuMs)
  }
  return { rows, ms, cpuMs }
}

function facts({ ms, cpuMs }: { ms: number[]; cpuMs: number[] }): string {
  return `median ${median(ms).toFixed(0)} ms, ${median(cpuMs).toFixed(0)} ms of CPU`
}

/** Makes an image. */
async function image(url: string, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'an image @bytes=1024', response_format: 'url' })
  const response = await fetch(`${url}v1/images/generations`, { method: 'POST', headers, body })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`an image was refused: ${text}`)
}
