import type { FarGateway } from './far-gateway.ts'
import type { Journal } from '../workers/far/distance.ts'
import { SCENES } from './scenes.ts'

/** The calls of a scene: steps in sequence, each with the calls that are under way at once. */
export async function callsOf(gateway: FarGateway, name: string): Promise<{ before: string[]; after: string[] }> {
  await gateway.setClock('stopped')
  try {
    const { journal } = await play(gateway, name, 'stepped')
    return { before: stepTexts(journal.before), after: stepTexts(journal.after) }
  } finally {
    await gateway.setClock('running')
  }
}

/** The time of a scene in ms, with the set times of its calls. */
export async function msOf(gateway: FarGateway, name: string): Promise<number> {
  const { ms } = await play(gateway, name, 'timed')
  return ms
}

async function play(
  gateway: FarGateway,
  name: string,
  distance: 'stepped' | 'timed',
): Promise<{ ms: number; journal: Journal }> {
  const scene = SCENES[name]
  if (!scene) throw new Error(`there is no scene ${name}`)
  const asked = await scene.prepare(gateway)
  await gateway.setDistance(distance)
  const { ms } = await gateway.ask(asked)
  const journal = await gateway.setDistance('near')
  await scene.end?.(gateway, asked)
  return { ms, journal }
}

/** A report of leases follows its requests within a second, so it may be in any step or alone. */
const REPORT = 'TEAMS.reportUse'

const stepTexts = (steps: string[][]): string[] =>
  steps
    .map((calls) => calls.filter((call) => call !== REPORT))
    .filter((calls) => calls.length > 0)
    .map(stepText)

/** Equal calls are counted, such as `3 ACCOUNTS.health`. */
function stepText(calls: string[]): string {
  const count = (call: string): number => calls.filter((each) => each === call).length
  return [...new Set(calls)].map((call) => (count(call) === 1 ? call : `${count(call)} ${call}`)).join(' + ')
}
