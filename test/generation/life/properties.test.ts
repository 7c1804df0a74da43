import * as fc from 'fast-check'
import { expect, inject, test } from 'vitest'
import { full } from '../../support/full'
import { runLife } from './run'
import { RULES } from './life'

/** The steps of a life, each a number that chooses one of what can happen then. */
export const lives = fc.noBias(fc.array(fc.nat({ max: 9999 }), { minLength: 1, maxLength: 120, size: 'max' }))

test('a generation keeps its seven promises whatever happens, in any order, and whenever its process dies', () => {
  fc.assert(
    fc.property(lives, (steps) => {
      expect(runLife(steps, RULES)).toEqual([])
    }),
    { numRuns: full ? 20_000 : 500, seed: inject('fuzz').seed },
  )
})
