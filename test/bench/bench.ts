/**
 * The benchmark of architecture §7: the gateway against a floor Worker that makes only the unavoidable platform calls.
 * A word on the command line picks the figures with that word in their names.
 */
import { build } from './build.ts'
import { type Bench, FIGURES } from './figures.ts'
import { startLoadClient, startUpstream } from './processes.ts'
import { start } from './runtime.ts'
import { gatewayVariables } from './settings.ts'
import { storagePlace } from '../miniflare/temporary-directory.ts'
import { type Figure, table } from './table.ts'

const [wanted = ''] = process.argv.slice(2)
const running: { stop: () => Promise<void> }[] = []

try {
  const bench = await prepare()
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries(FIGURES)) {
    if (!name.includes(wanted)) continue
    console.error(`measuring: ${name}`)
    figures.push(await measure(bench, name))
  }
  console.log(table(figures))
  console.log(`with storage in ${await storagePlace()}`)
} finally {
  await Promise.all(running.map((each) => each.stop()))
}

async function prepare(): Promise<Bench> {
  const upstream = kept(await startUpstream())
  const client = kept(startLoadClient())
  const variables = gatewayVariables(upstream.baseUrl)
  console.error('building the floor, the gateway, and the gateway with its calls counted')
  const floor = {
    bundle: await build('test/bench/workers/floor/worker.ts'),
    variables: { UPSTREAM_URL: upstream.baseUrl },
  }
  const gateway = { bundle: await build('src/index.ts'), variables }
  const counting = { bundle: await build('test/bench/workers/counting.ts'), variables }
  return {
    upstream,
    client,
    floor: kept(await start(floor)),
    gateway: kept(await start(gateway)),
    counting: kept(await start(counting)),
    served: { floor, gateway },
  }
}

function kept<Stoppable extends { stop: () => Promise<void> }>(started: Stoppable): Stoppable {
  running.push(started)
  return started
}
