import { MIB } from './picture.ts'
import { post } from './post.ts'
import type { Demand } from './requests.ts'
import { type Served, start } from './runtime.ts'
import { type Figure, median } from './table.ts'

/** A side of a memory figure: a Worker, a small request for loading its code, and the request that counts. */
interface Consumer {
  served: Served
  warmUp: Demand
  demand: Demand
}

export interface Appetite {
  name: string
  floor: Consumer
  gateway: Consumer
}

const ALLOWANCE_BYTES = 64 * MIB

/** A peak depends on the garbage collector's timing, so it is measured more than once. */
const RUNS = 3

export async function compareMemory({ name, floor, gateway }: Appetite): Promise<Figure> {
  const growths = { floor: [0], gateway: [0] }
  for (let run = 0; run < RUNS; run++) {
    growths.floor[run] = await growthBytes(floor)
    growths.gateway[run] = await growthBytes(gateway)
  }
  const [low, high] = [median(growths.floor), median(growths.gateway)]
  const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MB`
  return {
    figure: name,
    floor: mebibytes(low),
    gateway: mebibytes(high),
    result: `floor ${high < low ? '-' : '+'} ${mebibytes(Math.abs(high - low))}`,
    goal: `<= floor + ${mebibytes(ALLOWANCE_BYTES)}`,
    reached: high <= low + ALLOWANCE_BYTES,
  }
}

/** The growth of a workerd's peak memory by one request, in bytes. */
async function growthBytes({ served, warmUp, demand }: Consumer): Promise<number> {
  const runtime = await start(served)
  try {
    await post({ ...warmUp, url: runtime.url + warmUp.path })
    const before = await runtime.restartPeak()
    await post({ ...demand, url: runtime.url + demand.path })
    return (await runtime.peakBytes()) - before
  } finally {
    await runtime.stop()
  }
}
