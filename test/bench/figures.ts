import { compareEffort } from './effort.ts'
import { compareMemory } from './memory.ts'
import { countOperations } from './operations.ts'
import { MIB } from './picture.ts'
import { post } from './post.ts'
import type { LoadClient, Upstream } from './processes.ts'
import {
  PICTURE_BYTES,
  edit,
  floorFigure,
  floorPicture,
  floorStore,
  floorUpload,
  generation,
  once,
  streamed,
} from './requests.ts'
import type { Runtime, Served } from './runtime.ts'
import { share } from './sharing.ts'
import { race } from './speed.ts'
import type { Figure } from './table.ts'

/** The processes and Workers of the measurements. */
export interface Bench {
  upstream: Upstream
  client: LoadClient
  floor: Runtime
  gateway: Runtime
  /** The gateway with its calls counted. */
  counting: Runtime
  served: { floor: Served; gateway: Served }
}

const SHARED_DELAY_MS = 3000

/** The lines of the table, by their names. */
export const FIGURES: Record<string, (bench: Bench, name: string) => Promise<Figure>> = {
  'cache hit, url': async (bench, name) => {
    await prepareHits(bench)
    const gateway = at(bench.gateway, generation(HIT, 'HIT', { response_format: 'url' }))
    const floor = at(bench.floor, floorFigure('hit-url', 0))
    return await race({ name, floor, gateway, requestsPerRound: 2000, goal: 1.3 }, bench.client)
  },
  'cache hit, 1.5 MB b64_json': async (bench, name) => {
    await prepareHits(bench)
    const gateway = at(bench.gateway, generation(HIT, 'HIT', { response_format: 'b64_json' }))
    const floor = at(bench.floor, floorFigure('hit-b64', PICTURE_BYTES))
    return await race({ name, floor, gateway, requestsPerRound: 150, goal: 1 }, bench.client)
  },
  'miss, 1.5 MB': async (bench, name) => {
    const gateway = at(
      bench.gateway,
      generation('a miss __ROUND__ __ORDINAL__', 'MISS', { response_format: 'b64_json' }),
    )
    const floor = at(bench.floor, floorFigure('miss', PICTURE_BYTES))
    return await race({ name, floor, gateway, requestsPerRound: 40, goal: 0.85 }, bench.client)
  },
  'peak memory growth, miss of 10 x 20 MB': async ({ served }, name) => {
    const [n, bytes] = [10, 20 * MIB]
    const demand = generation('ten pictures', 'MISS', { n, response_format: 'b64_json' }, bytes)
    const gateway = { served: served.gateway, warmUp: SMALL_MISS, demand: once(demand) }
    const floor = { served: served.floor, warmUp: floorStore(1, 1024), demand: floorStore(n, bytes) }
    return await compareMemory({ name, floor, gateway })
  },
  'peak memory growth, upload of 2 x 45 MB': async ({ served }, name) => {
    const [files, bytes] = [2, 45 * MIB]
    const gateway = { served: served.gateway, warmUp: SMALL_MISS, demand: edit(files, bytes) }
    const floor = { served: served.floor, warmUp: floorStore(1, 1024), demand: floorUpload(files, bytes) }
    return await compareMemory({ name, floor, gateway })
  },
  'processor time, stream of 3 x 4 MB against 3 x 1 MB': async ({ gateway }, name) =>
    await growingEffort(gateway, name, { mib: 1 }, { mib: 4 }),
  'processor time, stream of 3 x 16 MB against 3 x 8 MB': async ({ gateway }, name) =>
    await growingEffort(gateway, name, { mib: 8 }, { mib: 16 }),
  'processor time, stream of 3 x 8 MB against a miss of 3 x 8 MB': async ({ gateway }, name) =>
    await effortOfStream(gateway, name, 8 * MIB),
  'upstream calls for 1,000 identical requests at once': async ({ gateway, client, upstream }, name) => {
    const prompt = `wanted by everybody @delay_ms=${SHARED_DELAY_MS}`
    return await share(name, at(gateway, generation(prompt, undefined, { response_format: 'url' })), client, upstream)
  },
  'platform calls per hit, url': async (bench, name) => await operations(bench, name, 'url'),
  'platform calls per hit, b64_json': async (bench, name) => await operations(bench, name, 'b64_json'),
}

const HIT = 'asked for again and again'
const SMALL_MISS = once(generation('a small one', 'MISS', { response_format: 'b64_json' }, 1024))

const at = <Request extends { path: string }>(runtime: Runtime, request: Request): Request & { url: string } => ({
  ...request,
  url: runtime.url + request.path,
})

/**
 * Compares the cost for each MB of a large picture with two previews, and of a small one. From 5 MB on R2 takes a picture
 * in parts. That costs the local R2 a quarter more, so both sizes stay on the same side of it.
 */
const growingEffort = (
  gateway: Runtime,
  name: string,
  small: { mib: number },
  large: { mib: number },
): Promise<Figure> =>
  compareEffort(
    {
      name,
      floor: streamed(`${name} __ROUND__ __ORDINAL__`, 2, small.mib * MIB),
      floorBytes: 3 * small.mib * MIB,
      gateway: streamed(`${name} __ROUND__ __ORDINAL__`, 2, large.mib * MIB),
      gatewayBytes: 3 * large.mib * MIB,
      goal: 1.3,
    },
    gateway,
  )

/** The same, against an answer in one piece with the same number of pictures. */
const effortOfStream = (gateway: Runtime, name: string, bytes: number): Promise<Figure> =>
  compareEffort(
    {
      name,
      floor: generation(`${name} __ROUND__ __ORDINAL__`, 'MISS', { n: 3, response_format: 'b64_json' }, bytes),
      floorBytes: 3 * bytes,
      gateway: streamed(`${name} __ROUND__ __ORDINAL__`, 2, bytes),
      gatewayBytes: 3 * bytes,
      goal: 1.3,
    },
    gateway,
  )

/** Makes the picture of the hits. A second call is a hit itself. */
async function prepareHits({ floor, gateway }: Bench): Promise<void> {
  await post(at(floor, floorPicture()))
  await post(at(gateway, once(generation(HIT, undefined, { response_format: 'b64_json' }))))
}

async function operations(
  { counting, client }: Bench,
  name: string,
  response_format: 'url' | 'b64_json',
): Promise<Figure> {
  await post(at(counting, once(generation(HIT, undefined, { response_format }))))
  return await countOperations(name, counting.url, at(counting, generation(HIT, 'HIT', { response_format })), client)
}
