import { isDeepStrictEqual } from 'node:util'
import type { GenerationEvent } from '../../../src/generation/events'
import type { State } from '../../../src/generation/state'
import { afterDeath } from './after-death'
import type { Rules } from './life'
import { type Delivery, World } from './world'

/** The ways in which a message can fail. */
const HOW: readonly Delivery[] = ['lost', 'unheard', 'broken']
/** The number of earlier events that are repeated after each step. */
const LATE = 10
/** The most attempts of one run. */
const MOST_ATTEMPTS = 2

/** Lives through steps, then lets everything arrive and end. Returns the broken promises by number. */
export function runLife(steps: readonly number[], rules: Rules): string[] {
  const [first = 0] = steps
  const world = new World(rules, first % 5 === 0)
  const broken = new Set<string>()
  for (const step of steps) {
    take(world, step % 16, Math.floor(step / 16))
    checkState(world, rules, broken)
  }
  comeToRest(world)
  checkEnd(world, broken)
  return [...broken].toSorted()
}

function take(world: World, action: number, at: number): void {
  const flag = (bit: number): boolean => Math.floor(at / 2 ** bit) % 2 === 1
  switch (action) {
    case 0:
    case 1:
      return world.ask(at, { job: flag(2), hook: flag(3), patience: flag(4) })
    case 2:
    case 3:
    case 4:
      return world.deliver(at, 'once')
    case 5:
      return world.deliver(at, 'twice')
    case 6:
      return world.deliver(at, HOW[at % HOW.length] ?? 'lost')
    case 7:
    case 8:
    case 9:
      return world.step(at)
    case 10:
      return world.leave(at, flag(3))
    case 11:
      world.teams.advance()
      return world.call(at, !flag(4))
    case 12:
      return world.dispatch({ is: 'cancelled', team: flag(0) ? 'acme' : 'other' })
    case 13:
      return world.crash([flag(0), flag(1), flag(2)])
    case 14:
      return world.ring()
    default: {
      const team = flag(0) ? 'acme' : 'other'
      const set = flag(1) && flag(2) ? world.teams.spent : world.teams.busy
      return void (flag(3) ? set.add(team) : set.delete(team))
    }
  }
}

/** Delivers all that is on its way, and rings until nothing happens any more. */
function comeToRest(world: World): void {
  world.teams.spent.clear()
  world.teams.busy.clear()
  for (let turn = 0; turn < 200; turn++) {
    while (world.messages.length > 0) world.deliver(0, 'once')
    for (let step = 0; world.making && step < 40; step++) world.step(step < 30 ? 6 : 1)
    world.teams.advance()
    world.call(0, true)
    if (world.messages.length === 0 && !world.making) world.ring()
    if (isAtRest(world)) return
  }
}

const isAtRest = ({ state, messages, making, teams, owed }: World): boolean =>
  state.phase.is === 'idle' &&
  state.places.length === 0 &&
  state.subscribers.length === 0 &&
  messages.length === 0 &&
  !making &&
  owed.size === 0 &&
  teams.called.length === 0

function checkState(world: World, rules: Rules, broken: Set<string>): void {
  const { state, messages, making } = world
  const { phase } = state
  const isAtWork = ('isInHand' in phase && phase.isInHand) || phase.is === 'ending'
  if (isAtWork && messages.length === 0 && !making) broken.add('3: nothing is under way for a run in hand')
  const stored = world.loaded()
  if (!isDeepStrictEqual(stripped(stored), stripped(afterDeath(state)))) broken.add('6: storage changes the state')
  for (const event of world.past.slice(-LATE).filter((each) => isLate(each, state)))
    if (changes(world, rules, event)) broken.add(`4: a late event changes the state: ${event.is}`)
}

/** The stored part of a state. Subscribers have rows of their own. */
const stripped = ({ phase, places }: State): unknown => JSON.parse(JSON.stringify({ phase, places }))

/** Whether an event belongs to a run or an order that is over. */
function isLate(event: GenerationEvent, { phase, places }: State): boolean {
  const present = 'run' in phase ? phase.run : undefined
  switch (event.is) {
    case 'made':
    case 'progressed':
      return event.run !== present?.id
    case 'answered':
    case 'withdrawn':
    case 'turnCame':
      return (
        event.reservation !== present?.reservation &&
        !places.some(({ reservation }) => reservation === event.reservation)
      )
    case 'settled':
      return phase.is !== 'settling' || phase.pending.settlement.id !== event.reservation
    default:
      return false
  }
}

function changes({ state, nowMs }: World, rules: Rules, event: GenerationEvent): boolean {
  const mint = (): string => 'late'
  const after = rules.transition(state, event, { nowMs, mint, finishesAbandoned: false })
  return after.effects.length > 0 || !isDeepStrictEqual(after.state, state)
}

function checkEnd(world: World, broken: Set<string>): void {
  const { teams, receivers, asked, ended, state } = world
  if (!isAtRest(world)) broken.add(`3: the generation does not come to rest: ${state.phase.is}`)
  for (const order of teams.orders.values()) {
    if (order.settlements.length > 1) broken.add('1: a reservation is settled twice')
    if (order.wasHeld && order.stands !== 'settled') broken.add('1: a reservation is not settled')
  }
  for (const { run, outcome } of ended) {
    const { settlements = [], wasHeld = false } = teams.orders.get(run.reservation) ?? {}
    const cost = outcome.spending?.cost
    if (wasHeld && cost !== undefined && settlements[0]?.cost !== cost)
      broken.add('1: a settlement differs from the outcome')
  }
  if (receivers.misled.length > 0) broken.add('2: a client is told the refusal of another team')
  for (const { told, isGone, subscriber } of receivers.all) {
    if (told > 1) broken.add(`2: a ${subscriber.kind} is told two ends`)
    if (told === 0 && !isGone) broken.add(`2: a ${subscriber.kind} is told no end`)
  }
  for (const effect of world.unknownEffects) broken.add(`7: ${effect} is not known again by its id`)
  if (world.early.length > 0) broken.add('8: a client hears of the end before its settlement')
  if (asked.some(({ wasHeld }) => !wasHeld)) broken.add('5: an upstream is asked without money')
  if (asked.some(({ losses }) => losses >= MOST_ATTEMPTS)) broken.add('5: an upstream is asked too often')
}
