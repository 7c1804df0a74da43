import { MIB } from './picture.ts'
import { post } from './post.ts'
import { type Repeated, once } from './requests.ts'
import type { Runtime } from './runtime.ts'
import { type Figure, median } from './table.ts'

/** Two requests for a comparison of processor time. `__ROUND__` and `__ORDINAL__` in a body make each request another one. */
export interface Efforts {
  name: string
  /** The base of the comparison, and the bytes of pictures that pass through for either request. */
  floor: Repeated
  floorBytes: number
  gateway: Repeated
  gatewayBytes: number
  /** The most that the other request may cost for each byte, relative to the base. */
  goal: number
}

/** The bytes of one turn of a side. Processor time is counted in hundredths of a second, so a turn has to be long. */
const ROUND_BYTES = 24 * MIB
const ROUNDS = 7
/** A first turn warms the compilers. */
const WARM_UPS = 2

/** Compares the processor time for each MB of two requests. It is that of the whole runtime, the local R2 included. */
export async function compareEffort(efforts: Efforts, runtime: Runtime): Promise<Figure> {
  const { name, floor, floorBytes, gateway, gatewayBytes, goal } = efforts
  const rounds: { floor: number; gateway: number }[] = []
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const both = {
      floor: await msPerMib(runtime, floor, round, floorBytes),
      gateway: await msPerMib(runtime, gateway, round, gatewayBytes),
    }
    if (round >= 0) rounds.push(both)
  }
  const [low, high] = [median(rounds.map((each) => each.floor)), median(rounds.map((each) => each.gateway))]
  const perMib = (ms: number): string => `${ms.toFixed(1)} ms/MB`
  return {
    figure: name,
    floor: perMib(low),
    gateway: perMib(high),
    result: (high / low).toFixed(2),
    goal: `<= ${goal.toFixed(1)}`,
    reached: high <= goal * low,
  }
}

async function msPerMib(runtime: Runtime, { body, ...rest }: Repeated, round: number, bytes: number): Promise<number> {
  const requests = Math.ceil(ROUND_BYTES / bytes)
  const before = await runtime.cpuMs()
  for (let request = 0; request < requests; request++) {
    const text = body.replace('__ROUND__', String(round)).replace('__ORDINAL__', String(request))
    await post({ ...once({ ...rest, body: text }), url: runtime.url + rest.path })
  }
  return ((await runtime.cpuMs()) - before) / ((requests * bytes) / MIB)
}
