import * as fc from 'fast-check'
import { expect, inject, test } from 'vitest'
import { full } from '../../support/full'
import { RULES } from './life'
import { lives } from './lives'
import { runLife } from './run'

/** Lives of the run; the seed of a failed one is printed with it. */
const NUMBER = full ? 20_000 : 500

test(`a generation keeps its eight promises in ${NUMBER} lives of lost calls, late events and deaths`, () => {
  fc.assert(
    fc.property(lives, (steps) => {
      expect(runLife(steps, RULES)).toEqual([])
    }),
    { numRuns: NUMBER, seed: inject('fuzz').seed },
  )
})
