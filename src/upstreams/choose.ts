import type { Upstream } from '../providers/provider'
import { type Health, type Unavailability, availabilityOf } from './health'

/** A candidate with the health of its account. */
export interface Choice<Item> {
  item: Item
  upstream: Pick<Upstream, 'priority' | 'weight'>
  /** The upstream's own name of the model. */
  model: string
  /** The number of adaptations; lower comes first. */
  distance: number
  health: Health
}

/** The candidates in order, and the unavailable ones with their reasons. */
export interface Ranking<Item> {
  order: Item[]
  passedOver: { item: Item; unavailability: Unavailability }[]
}

/**
 * Orders the available candidates by adaptations, then by priority; weights decide among equals. `random` is from 0 to
 * 1 and decides all draws.
 */
export function choose<Item>(
  choices: readonly Choice<Item>[],
  payer: string,
  nowMs: number,
  random: number,
): Ranking<Item> {
  const passedOver: Ranking<Item>['passedOver'] = []
  const ready: Choice<Item>[] = []
  for (const choice of choices) {
    const availability = availabilityOf(choice.health, { model: choice.model, payer }, nowMs)
    if (availability.reason) passedOver.push({ item: choice.item, unavailability: availability })
    else ready.push(choice)
  }
  const ranked = ready.toSorted((a, b) => a.distance - b.distance || a.upstream.priority - b.upstream.priority)
  const order: Item[] = []
  for (let left = ranked, chance = random; left.length > 0;) {
    const [first] = left
    const equals = left.filter((each) => first && isEqual(each, first))
    const drawn = draw(equals, chance)
    order.push(drawn.choice.item)
    left = left.filter((each) => each !== drawn.choice)
    chance = drawn.rest
  }
  return { order, passedOver }
}

const isEqual = (a: Choice<unknown>, b: Choice<unknown>): boolean =>
  a.distance === b.distance && a.upstream.priority === b.upstream.priority

/** Draws one of several by weight. `rest` is the unused part of the chance, again evenly spread from 0 to 1. */
function draw<Item>(choices: readonly Choice<Item>[], chance: number): { choice: Choice<Item>; rest: number } {
  const total = choices.reduce((sum, { upstream }) => sum + upstream.weight, 0)
  let from = 0
  for (const choice of choices) {
    const share = choice.upstream.weight / total
    if (chance < from + share || choice === choices.at(-1))
      return { choice, rest: Math.min((chance - from) / share, 1) }
    from += share
  }
  throw new RangeError('there is nothing to choose from')
}
