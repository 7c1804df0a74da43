import type { Order } from './load.ts'
import type { LoadClient } from './processes.ts'
import { type Figure, median } from './table.ts'

/** The requests of one side. `__ROUND__` in the body becomes a number that no other round has. */
type Side = Pick<Order, 'url' | 'headers' | 'body' | 'expected'>

/** Requests per second of the gateway against those of the floor. */
export interface Race {
  name: string
  floor: Side
  gateway: Side
  requestsPerRound: number
  /** The least ratio of both rates. */
  goal: number
}

/** Rounds are short and the sides take turns, so that other load of the machine falls on both. */
const ROUNDS = 9
const CONCURRENCY = 16
const MAX_ROUND_SECONDS = 5

export async function race(
  { name, floor, gateway, requestsPerRound, goal }: Race,
  client: LoadClient,
): Promise<Figure> {
  const perSecond = async (side: Side, round: number): Promise<number> => {
    const body = side.body.replace('__ROUND__', String(round))
    const limits = { requests: requestsPerRound, concurrency: CONCURRENCY, maxSeconds: MAX_ROUND_SECONDS }
    const { answered, seconds } = await client.run({ ...side, ...limits, body })
    return answered / seconds
  }
  const rounds: { floor: number; gateway: number }[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    // The second side finds the machine warmer or busier, so the order changes too.
    const floorFirst = round % 2 === 0 ? await perSecond(floor, round) : undefined
    const gatewayRate = await perSecond(gateway, round)
    const floorRate = floorFirst ?? (await perSecond(floor, round))
    // The first round warms the compilers.
    if (round > 0) rounds.push({ floor: floorRate, gateway: gatewayRate })
  }
  const ratio = median(rounds.map((round) => round.gateway / round.floor))
  const rate = (side: 'floor' | 'gateway'): string => `${median(rounds.map((round) => round[side])).toFixed(0)}/s`
  return {
    figure: name,
    floor: rate('floor'),
    gateway: rate('gateway'),
    result: ratio.toFixed(2),
    goal: `>= ${goal}`,
    reached: ratio >= goal,
  }
}
