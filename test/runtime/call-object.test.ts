import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { callObject, callObjectForLong, callObjectOnce } from '../../src/runtime/call-object'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = (): Promise<never> => new Promise(() => {})
const UNAVAILABLE = { failure: { code: 'unavailable', retryAfterMs: 1000 } }
const MINUTES = 600_000

test('an object that does not answer is asked twice, and then unavailable', async () => {
  const ask = vi.fn(never)
  const called = expect(callObject(ask)).rejects.toMatchObject(UNAVAILABLE)
  await vi.advanceTimersByTimeAsync(20_000)
  await called
  expect(ask).toHaveBeenCalledTimes(2)
})

test('the second answer counts if the first was lost', async () => {
  const ask = vi.fn(async () => 'answer').mockImplementationOnce(never)
  const called = callObject(ask)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await called).toBe('answer')
})

test('a call that counts is made once', async () => {
  const ask = vi.fn(never)
  const called = expect(callObjectOnce(ask)).rejects.toThrow('time limit')
  await vi.advanceTimersByTimeAsync(10_000)
  await called
  expect(ask).toHaveBeenCalledTimes(1)
})

test('a long call waits as long as its object replies', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const called = callObjectForLong(
    () => promise,
    async () => 'here',
  )
  await vi.advanceTimersByTimeAsync(10 * MINUTES)
  resolve('answer')
  expect([await called, vi.getTimerCount()]).toEqual(['answer', 0])
})

test('a long call ends with an object that replies no more', async () => {
  const called = expect(callObjectForLong(never, never)).rejects.toMatchObject(UNAVAILABLE)
  await vi.advanceTimersByTimeAsync(MINUTES)
  await called
})
