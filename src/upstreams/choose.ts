import type { Upstream } from '../providers/provider'
import { type Health, type Unavailability, availabilityOf } from './health'

/** An account that could be asked for a model, and how it is. */
export interface Choice<Item> {
  item: Item
  upstream: Pick<Upstream, 'priority' | 'weight'>
  /** By its own name. */
  model: string
  /** How far what it would be asked for is from what was asked for; lower comes first. */
  distance: number
  health: Health
}

/** Whom to ask, in order, and who is passed over, and why. */
export interface Ranking<Item> {
  order: Item[]
  passedOver: { item: Item; obstacle: Unavailability }[]
}

/**
 * Puts those who can be asked in order: by how near they come to what was asked for, then by priority, and among equals by
 * chance, as their weights have it. `random` is from 0 to 1, and decides all of it.
 */
export function choose<Item>(choices: readonly Choice<Item>[], nowMs: number, random: number): Ranking<Item> {
  const passedOver: Ranking<Item>['passedOver'] = []
  const ready: Choice<Item>[] = []
  for (const choice of choices) {
    const availability = availabilityOf(choice.health, choice.model, nowMs)
    if (availability.hindrance) passedOver.push({ item: choice.item, obstacle: availability })
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

/** One of several by its weight, and what of the chance is left over, which is as even as all of it was. */
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
