import { MIB } from './picture.ts'
import { post } from './post.ts'
import { type Repeated, once } from './requests.ts'
import type { Runtime } from './runtime.ts'
import { type Figure, median } from './table.ts'

/** Requests whose processor time is compared; `__ROUND__` and `__ORDINAL__` in their bodies make them others. */
export interface Efforts {
  name: string
  /** What the other is measured against, and how many bytes of pictures pass through for either. */
  floor: Repeated
  floorBytes: number
  gateway: Repeated
  gatewayBytes: number
  /** By how much the other may cost more for each byte. */
  goal: number
}

/** The sides are asked in turn, for so many bytes each time, since processor time is counted in hundredths of a second. */
const ROUND_BYTES = 24 * MIB
const ROUNDS = 7
/** For the compilers. */
const WARM_UPS = 2

/** The processor time of the gateway's whole runtime, its local R2 included, for each MB of one request against another. */
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
