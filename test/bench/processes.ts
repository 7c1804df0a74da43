import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Outcome } from './load.ts'

/** The running upstream of the benchmark. */
export interface Upstream {
  baseUrl: string
  calls: () => Promise<number>
  stop: () => Promise<void>
}

/** The load client of the benchmark, waiting for orders. */
export interface LoadClient {
  /** Throws for an unexpected answer. */
  run: (order: Order) => Promise<{ answered: number; seconds: number }>
  stop: () => Promise<void>
}

export async function startUpstream(): Promise<Upstream> {
  const child = start('bench-upstream.ts')
  const origin = `http://127.0.0.1:${await message<number>(child)}`
  const calls = async (): Promise<number> => {
    const said: { calls: number } = JSON.parse(await (await fetch(`${origin}/__calls`)).text())
    return said.calls
  }
  return { baseUrl: `${origin}/v1`, calls, stop: () => stop(child) }
}

export function startLoadClient(): LoadClient {
  const child = start('load.ts')
  const run = async (order: Order): Promise<{ answered: number; seconds: number }> => {
    child.send(order)
    const outcome = await message<Outcome>(child)
    if ('failure' in outcome) throw new Error(outcome.failure)
    return outcome
  }
  return { run, stop: () => stop(child) }
}

const start = (file: string): ChildProcess => fork(fileURLToPath(new URL(file, import.meta.url)))

/** The next message of a child; throws when it ends instead. */
async function message<Said>(child: ChildProcess): Promise<Said> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    const [said] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code]) =>
        Promise.reject(new Error(`${child.spawnfile} ended with ${code}`)),
      ),
    ])
    return said
  } finally {
    ended.abort()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill()
  await exited
}
