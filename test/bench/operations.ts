import type { Order } from './load.ts'
import type { LoadClient } from './processes.ts'
import type { Figure } from './table.ts'

/** A busy key gets a lease after its first requests, and its isolate keeps the record. They are few of so many. */
const HITS = 1000

/** The calls of bindings that a hit may make, on average. A binding of `wrangler.toml` without a line may not be called. */
const ALLOWED: Record<string, number> = { CACHE: 0.1, IMAGES: 0.1, GENERATIONS: 0.1, TEAMS: 0.1 }

/** Counts the calls of bindings for a hit. `url` is the counting Worker's, and `order` already hits there. */
export async function countOperations(
  name: string,
  url: string,
  order: Pick<Order, 'url' | 'headers' | 'body' | 'expected'>,
  client: LoadClient,
): Promise<Figure> {
  const takeCalls = async (): Promise<Record<string, number>> => {
    const said: Record<string, number> = JSON.parse(await (await fetch(new URL('/__calls', url))).text())
    return said
  }
  await takeCalls()
  await client.run({ ...order, requests: HITS, concurrency: 1, maxSeconds: 30 })
  const perHit = Object.entries(await takeCalls()).map(([binding, calls]): [string, number] => [binding, calls / HITS])
  const said = perHit.map(([binding, calls]) => `${calls} ${binding}`).join(', ')
  return {
    figure: name,
    floor: '1 CACHE',
    gateway: said || 'none',
    result: said || 'none',
    goal: '<= 0.1 CACHE, IMAGES, objects',
    reached: perHit.every(([binding, calls]) => calls <= (ALLOWED[binding] ?? 0)),
  }
}
