import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { lives } from './lives'
import { MUTANTS, rulesOf } from './mutants'
import { runLife } from './run'

test('each of the eight promises has a guard that is taken out here', () => {
  expect(new Set(MUTANTS.map(({ promise }) => promise))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
})

test.each(MUTANTS.map((mutant, at) => ({ ...mutant, at })))(
  'promise $promise breaks where $what',
  async ({ at, promise, ...mutant }) => {
    const rules = await rulesOf({ ...mutant, promise }, at)
    const broken = new Set<string>()
    const finds = fc.check(
      fc.property(lives, (steps) => {
        for (const each of runLife(steps, rules)) broken.add(each)
        return ![...broken].some((each) => each.startsWith(`${promise}: `))
      }),
      { numRuns: 5000, seed: 1, endOnFailure: true },
    )
    expect(finds.failed, [...broken].join('; ')).toBe(true)
  },
)
