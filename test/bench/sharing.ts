import type { Order } from './load.ts'
import type { LoadClient, Upstream } from './processes.ts'
import type { Figure } from './table.ts'

const CALLERS = 1000
const MAX_SECONDS = 60

/** Counts the upstream's calls for many equal requests at once. `order` is a request without a stored answer. */
export async function share(
  name: string,
  order: Pick<Order, 'url' | 'headers' | 'body' | 'expected'>,
  client: LoadClient,
  upstream: Upstream,
): Promise<Figure> {
  const before = await upstream.calls()
  await client.run({ ...order, requests: CALLERS, concurrency: CALLERS, maxSeconds: MAX_SECONDS })
  const calls = (await upstream.calls()) - before
  return {
    figure: name,
    floor: '1',
    gateway: String(calls),
    result: String(calls),
    goal: '1',
    reached: calls === 1,
  }
}
