/**
 * Images of one key while two others ask for the usage without a pause. The team's ledger has 400,000 entries. The
 * ledger is that of an earlier version, so it is summed first. Rounds with pollers and without take turns.
 */
import { build } from './build.ts'
import { startUpstream } from './processes.ts'
import { start } from './runtime.ts'
import { gatewayVariables } from './settings.ts'
import { median } from './table.ts'
import { makeTemporaryDirectory } from '../miniflare/temporary-directory.ts'

const ENTRIES = 400_000
const POLLERS = 2
const ROUNDS = 6
const IMAGES_PER_ROUND = 12
/** The most that pollers may slow an image down, as a ratio of medians. */
const MAX_RATIO = 4

const running: { stop: () => Promise<void> }[] = []
const kept = <Stoppable extends { stop: () => Promise<void> }>(one: Stoppable): Stoppable => (running.push(one), one)

/** The gateway of the measurement, with a team and the keys of its members. */
interface Scene {
  url: string
  own: string
  pollers: string[]
}

try {
  const scene = await prepare()
  const summedIn = await summed(scene)
  const [alone, polled]: [number[], number[]] = [[], []]
  let reports = 0
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(...(await images(scene, `alone ${round}`)))
    const polling = poll(scene)
    polled.push(...(await images(scene, `polled ${round}`)))
    reports += await polling.stop()
  }
  const ratio = median(polled) / median(alone)
  console.log(
    `${ENTRIES} entries summed in ${summedIn.seconds.toFixed(1)} s; the slowest image meanwhile took ${summedIn.slowestMs.toFixed(0)} ms`,
  )
  console.log(`an image alone: ${facts(alone)}; beside ${POLLERS} pollers with ${reports} reports: ${facts(polled)}`)
  console.log(
    `ratio of the medians: ${ratio.toFixed(2)}, goal <= ${MAX_RATIO}: ${ratio <= MAX_RATIO ? 'reached' : 'NOT REACHED'}`,
  )
  if (!(ratio <= MAX_RATIO)) process.exitCode = 1
} finally {
  await Promise.all(running.map((each) => each.stop()))
}

async function prepare(): Promise<Scene> {
  const upstream = kept(await startUpstream())
  const variables: Record<string, string> = { ...gatewayVariables(upstream.baseUrl), LISTS_PER_MINUTE: '1000000' }
  const served = { bundle: await build('test/bench/workers/filling.ts'), variables }
  const storage = await makeTemporaryDirectory()
  const former = await start(served, storage.path)
  const { url } = former
  const admin = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${variables['ADMIN_TOKEN']}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}admin/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return JSON.parse(await response.text())
  }
  await admin('teams', { id: 'studio' })
  const key = async (): Promise<string> => String((await admin('teams/studio/keys', { name: 'bench' }))['key'])
  const keys = { own: await key(), pollers: await Promise.all(Array.from({ length: POLLERS }, key)) }
  await imageMs({ url, ...keys }, 'the first one')
  console.error(`filling the ledger with ${ENTRIES} entries`)
  await (await fetch(`${url}__fill?team=studio&count=${ENTRIES}`)).text()
  await former.stop()
  return { url: kept(await start(served, storage.path)).url, ...keys }
}

/** Makes images until the usage of the month has all entries. */
async function summed(scene: Scene): Promise<{ seconds: number; slowestMs: number }> {
  const startedMs = performance.now()
  let slowestMs = 0
  for (let image = 0; ; image++) {
    slowestMs = Math.max(slowestMs, await imageMs(scene, `while summing ${image}`))
    const usage = await usageOf(scene, scene.own)
    if (usage === undefined) continue
    if (usage.generations < ENTRIES) throw new Error(`the usage has ${usage.generations} of ${ENTRIES} entries`)
    return { seconds: (performance.now() - startedMs) / 1000, slowestMs }
  }
}

async function usageOf({ url }: Scene, key: string): Promise<{ generations: number } | undefined> {
  const response = await fetch(`${url}v1/usage`, { headers: { authorization: `Bearer ${key}` } })
  const usage: { team_totals?: { generations: number } } = JSON.parse(await response.text())
  return usage.team_totals
}

function poll(scene: Scene): { stop: () => Promise<number> } {
  const over = new AbortController()
  const poller = async (key: string): Promise<number> => {
    let reports = 0
    for (; !over.signal.aborted; reports++) await usageOf(scene, key)
    return reports
  }
  const pollers = scene.pollers.map(poller)
  return {
    stop: async () => {
      over.abort()
      return (await Promise.all(pollers)).reduce((sum, reports) => sum + reports, 0)
    },
  }
}

async function images(scene: Scene, name: string): Promise<number[]> {
  const times: number[] = []
  for (let image = 0; image < IMAGES_PER_ROUND; image++) times.push(await imageMs(scene, `${name} ${image}`))
  return times
}

/** Makes an image, and returns its time in ms. */
async function imageMs({ url, own }: Scene, prompt: string): Promise<number> {
  const startedMs = performance.now()
  const headers = { authorization: `Bearer ${own}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: `${prompt} @bytes=1024`, response_format: 'url' })
  const response = await fetch(`${url}v1/images/generations`, { method: 'POST', headers, body })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`an image was refused: ${text}`)
  return performance.now() - startedMs
}

function facts(times: number[]): string {
  return `median ${median(times).toFixed(0)} ms, slowest ${Math.max(...times).toFixed(0)} ms`
}
