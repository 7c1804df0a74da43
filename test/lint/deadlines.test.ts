import { expect, test } from 'vitest'
import { unboundedCalls } from '../../scripts/lint/deadlines.ts'
import { sourceOf } from '../../scripts/lint/source.ts'

const breaches = (text: string): number[] => unboundedCalls(sourceOf('a.ts', text))

test.each([
  ['an object', `env.TEAMS.getByName(team).settle(outcome)`],
  ['R2', `bucket.get(key)`],
  ['R2 by its binding', `c.env.IMAGES.head(key)`],
  ['KV', `const found = await cache.get(key, 'json')`],
  ['the cache of a data centre', `caches.default.match(url)`],
  ['a store, outside of the bounded call beside it', `withDeadline(1, () => a).then(() => bucket.delete(key))`],
])('fails on a call of %s without a deadline', (_, text) => {
  expect(breaches(`\n${text}`)).toEqual([2])
})

test.each([
  ['an object', `callObject(async () => await env.TEAMS.getByName(team).settle(outcome))`],
  ['a store', `withRetries(() => bucket.get(key))`],
  ['a store behind another call', `withDeadline(1, () => find(() => caches.default.match(url)))`],
])('accepts a call of %s with one', (_, text) => {
  expect(breaches(text)).toEqual([])
})
