/** The load client of the benchmark, a process of its own so that its cost falls on both sides alike. */
import { Agent } from 'node:http'
import { type Expected, post } from './post.ts'

/** A number of equal requests, and how many run at a time. It ends early when the time is up. */
export interface Order {
  url: string
  headers: Record<string, string>
  /** `__ORDINAL__` in it becomes a number of its own for each request of the order. */
  body: string
  expected: Expected
  requests: number
  concurrency: number
  maxSeconds: number
}

/** The outcome of an order. `failure` is the first one, and ends it. */
export type Outcome = { answered: number; seconds: number } | { failure: string }

async function carryOut({ body, requests, concurrency, maxSeconds, ...rest }: Order): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const startedMs = performance.now()
  const seconds = (): number => (performance.now() - startedMs) / 1000
  let begun = 0
  let answered = 0
  const client = async (): Promise<void> => {
    while (begun < requests && seconds() < maxSeconds) {
      const text = body.replace('__ORDINAL__', String(begun++))
      await post({ ...rest, body: [text], bodyBytes: Buffer.byteLength(text) }, agent)
      answered++
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, client))
    return { answered, seconds: seconds() }
  } catch (error) {
    return { failure: String(error) }
  } finally {
    agent.destroy()
  }
}

process.on('message', (order: Order) => void carryOut(order).then((outcome) => process.send?.(outcome)))
process.once('disconnect', () => process.exit())
