import { expect, test } from 'vitest'
import { effectiveLimits } from '../../src/team/profile'

const plans = new Map([['pro', { requests_per_minute: 300, concurrency: 9, budget_usd: 50 }]])
const team = { id: 'acme', name: 'Acme', createdMs: 0, limits: { concurrency: 10, budget_usd: null } }

test("a team's own limits replace those of its plan", () => {
  const limits = { requests_per_minute: 300, concurrency: 10, budget_usd: null }
  expect(effectiveLimits({ ...team, plan: 'pro' }, { plans })).toEqual(limits)
})

test('a team of a plan that the settings lack makes nothing, whatever its own limits', () => {
  expect(effectiveLimits({ ...team, plan: 'gone' }, { plans })).toMatchObject({ concurrency: 0 })
})
