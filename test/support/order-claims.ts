import assert from 'node:assert/strict'
import type { Limits } from '../../src/limits/limits'
import { KEYS, type OrderWorld, type WorldState, type WorldStep } from './order-world'

type Row = WorldState['ledger'][number]

/** One step of a world, and the states around it. `repeat` is missing if the process died. */
interface Taken {
  world: OrderWorld
  step: WorldStep
  before: WorldState
  after: WorldState
  repeat: (() => void) | undefined
}

const isRunning = ({ status }: Row): boolean => status === 'running'
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)

/** The entries that have their money from this step on. */
const opened = ({ before, after }: Taken): Row[] =>
  after.ledger.filter(
    (entry) => isRunning(entry) && !before.ledger.some(({ id, status }) => id === entry.id && status === 'running'),
  )

/** The use of a ledger's entries: runs and images, and micro-USD that are held or spent. */
const useOf = (entries: readonly Row[]): { runs: number; images: number; money: number } => ({
  runs: entries.filter(isRunning).length,
  images: sum(entries.map((entry) => (isRunning(entry) ? entry.n : entry.images))),
  money: sum(entries.map((entry) => (isRunning(entry) ? entry.reserved : (entry.cost ?? 0)))),
})

/** A step that opens reservations leaves the use of each scope within its limits. */
function keepsLimits(taken: Taken): void {
  const { world, after } = taken
  const keys = new Set(opened(taken).map(({ key }) => key))
  const scopes = [...keys].map((key) => ({
    limits: world.limits.keys[key] ?? {},
    entries: after.ledger.filter((entry) => entry.key === key),
  }))
  if (keys.size > 0) scopes.push({ limits: world.limits.team, entries: after.ledger })
  for (const { limits, entries } of scopes) {
    const { runs, images, money } = useOf(entries)
    assert.ok(runs <= (limits.concurrency ?? Infinity))
    assert.ok(images <= (limits.images_per_day ?? Infinity))
    assert.ok(money <= Math.round((limits.budget_usd ?? Infinity) * 1e6))
  }
}

/** The meters count each run once: its settlement, or the cost of its expiry. */
function countsOnce({ world, after }: Taken): void {
  for (const name of ['team', ...KEYS]) {
    const own = after.ledger.filter(({ key }) => name === 'team' || key === name)
    const ended = own.filter((entry) => !isRunning(entry))
    const { spent = 0, images = 0 } = after.meters.get(name) ?? {}
    assert.deepEqual([name, spent, images], [name, useOf(ended).money, useOf(own).images])
  }
  for (const { order, phase, settlement } of world.runs) {
    const entry = after.ledger.find(({ id }) => id === order.id)
    if (entry && phase === 'settled')
      assert.deepEqual([entry.cost, entry.images], [settlement?.cost, settlement?.images.length])
  }
}

/** An order hears one verdict, and one that reserves has its money. A reservation that expired is another order. */
function hasOneVerdict({ world, after }: Taken): void {
  for (const { order, phase, verdicts, called, hasExpired, wasReserved } of world.runs) {
    const status = after.ledger.find(({ id }) => id === order.id)?.status
    if (wasReserved) assert.equal(status, 'running')
    if (hasExpired) continue
    assert.ok(called.size <= 1)
    assert.ok(verdicts.length <= 1)
    if (phase === 'running') assert.equal(status, 'running')
  }
}

/** Each order before one that a step opens has money, too, or waits for the limits of its own key. */
function isFirstCome(taken: Taken): void {
  const { before, after } = taken
  const placeOf = (id: string): number => before.queue.find((row) => row.id === id)?.place ?? Infinity
  for (const entry of opened(taken)) {
    const passed = waitingIn(after).filter(({ id, place }) => placeOf(id) === place && place < placeOf(entry.id))
    assert.deepEqual(
      passed.filter(({ key }) => key === entry.key || !isKeyHeldUp(taken, key)),
      [],
    )
  }
}

const waitingIn = ({ queue }: WorldState): WorldState['queue'] => queue.filter(({ verdict }) => verdict === null)

/** Whether the limits of a key hold up the first of its waiting orders. */
function isKeyHeldUp(taken: Taken, key: string): boolean {
  const own = taken.after.ledger.filter((entry) => entry.key === key)
  return isHeldUp(taken, waitingIn(taken.after).find((row) => row.key === key)?.id, taken.world.limits.keys[key], own)
}

/** Whether the concurrency or the held money of some entries leaves no room for an order. */
function isHeldUp({ world }: Taken, id: string | undefined, limits: Limits = {}, entries: readonly Row[]): boolean {
  const { runs, money } = useOf(entries)
  const left = Math.round((limits.budget_usd ?? Infinity) * 1e6) - money
  const quote = world.runs.find(({ order }) => order.id === id)?.order.quote ?? 0
  return runs >= (limits.concurrency ?? Infinity) || quote > left
}

/** A withdrawn order holds no money. */
function releasesWithdrawn({ world, after }: Taken): void {
  const withdrawn = world.runs.filter((run) => run.is('withdrawn')).map(({ order }) => order.id)
  assert.deepEqual(
    after.ledger.filter((entry) => isRunning(entry) && withdrawn.includes(entry.id)),
    [],
  )
}

/** A repeated event changes nothing. */
function isIdempotent({ world, repeat }: Taken): void {
  repeat?.()
  assert.equal(world.storage.text, world.text)
}

/** A process that dies within an event leaves the state before it. */
function isAtomic({ before, after, repeat }: Taken): void {
  if (!repeat) assert.equal(after, before)
}

/** No order waits where there is room: a pass ends late reservations, and one more pass changes nothing. */
function isCalledAtOnce(taken: Taken): void {
  const { world, step, after, repeat } = taken
  const isLate = after.ledger.some((entry) => isRunning(entry) && entry.expires_ms <= world.nowMs)
  if (step.is === 'alarm' && repeat) assert.equal(isLate, false)
  if (isLate) return
  const first = waitingIn(after).find(({ key }) => !isKeyHeldUp(taken, key))
  if (first) assert.equal(isHeldUp(taken, first.id, world.limits.team, after.ledger), true)
  world.advance()
  assert.equal(world.storage.text, world.text)
}

/** Every order ends: with a verdict, unless it was withdrawn, and without money. */
export function endsAll(world: OrderWorld): void {
  world.settleDown()
  const { queue, ledger } = world.state
  assert.deepEqual(queue, [])
  for (const { order, phase } of world.runs) {
    assert.ok(['new', 'refused', 'withdrawn', 'left', 'settled'].includes(phase), `${order.id} is ${phase}`)
    // A revoked key may have had money, which then expires.
    if (phase !== 'refused') assert.ok(!ledger.some((entry) => isRunning(entry) && entry.id === order.id))
  }
}

/** The claims about each step of a world. */
export const CLAIMS = {
  'no reservation exceeds the concurrency, the budget or the images of a day': keepsLimits,
  'one settlement is counted for each reservation': countsOnce,
  'an order has at most one verdict': hasOneVerdict,
  'the first order has its turn first, except behind the limits of its own key': isFirstCome,
  'a withdrawn order holds no money': releasesWithdrawn,
  'a process that dies within an event changes nothing': isAtomic,
  'a repeated event changes nothing': isIdempotent,
  'no order waits where there is room': isCalledAtOnce,
}
