import * as fc from 'fast-check'
import { beforeAll, describe, inject, test } from 'vitest'
import { full } from '../support/full'
import { CLAIMS, endsAll } from '../support/order-claims'
import { orders, steps, worldLimits } from '../support/order-steps'
import { OrderWorld } from '../support/order-world'

const RUNS = { seed: inject('fuzz').seed, numRuns: full ? 20_000 : 500 }
const NAMES = ['each order has its verdict once there is room', ...Object.keys(CLAIMS)]

/** Plays worlds. `check` gets the name of a claim, and its test, which throws. */
function play(check: (name: string, claim: () => void) => void): void {
  const world = fc.property(orders, worldLimits, steps, (asked, limits, all) => {
    const played = new OrderWorld(asked, limits)
    for (const step of all) {
      const before = played.state
      const repeat = played.take(step)
      const taken = { world: played, step, before, after: played.state, repeat }
      for (const [name, claim] of Object.entries(CLAIMS)) check(name, () => claim(taken))
    }
    check(NAMES[0] ?? '', () => endsAll(played))
  })
  fc.assert(world, RUNS)
}

describe('in any order of events, losses and deaths', () => {
  const broken = new Set<string>()

  beforeAll(() => {
    play((name, claim) => {
      if (broken.has(name)) return
      try {
        claim()
      } catch {
        broken.add(name)
      }
    })
  }, 1_800_000)

  test.each(NAMES)('%s', (own) => {
    // A broken claim may disturb the others. Its own run shrinks the world, and prints it with its seed.
    if (broken.has(own)) play((name, claim) => name === own && claim())
  })
})
