import { expect, test } from 'vitest'
import { WaitQueue, type Turn } from '../../src/upstreams/wait-queue'

const FOREVER = Date.now() + 600_000

/** A queue of so many requests, and the called ones in order. */
function lineOf(count: number): { line: WaitQueue; turns: Turn[]; called: number[] } {
  const line = new WaitQueue()
  const called: number[] = []
  const turns = Array.from({ length: count }, (_, at) => line.join(`turn ${at}`))
  for (const [index, turn] of turns.entries()) void turn.called(FOREVER).then(() => called.push(index))
  return { line, turns, called }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

test('only the first in the queue is called', async () => {
  const { line, turns, called } = lineOf(3)
  line.call()
  await settled()
  expect([called, turns.map(({ isFirst }) => isFirst)]).toEqual([[0], [true, false, false]])
  for (const turn of turns) turn.leave()
  await settled()
})

test('a request that leaves at its turn lets the next one be called', async () => {
  const { line, turns, called } = lineOf(4)
  turns[2]?.leave()
  await settled()
  expect([called, line.length]).toEqual([[], 3])
  turns[0]?.leave()
  turns[1]?.leave()
  await settled()
  expect([called, line.length]).toEqual([[1, 3], 1])
  expect(turns[3]?.isFirst).toBe(true)
})

test('a dismissed request is called and is no longer in the queue', async () => {
  const { line, turns, called } = lineOf(3)
  line.dismiss('turn 1')
  line.dismiss('nobody')
  await settled()
  expect([called, line.length, turns.map(({ hasLeft }) => hasLeft)]).toEqual([[1], 2, [false, true, false]])
  turns[1]?.leave()
  expect(line.length).toBe(2)
})

test('a request waits at most for its own patience', async () => {
  const line = new WaitQueue()
  const [first, second] = [line.join('first'), line.join('second')]
  await Promise.all([first.called(Date.now() + 5), second.called(Date.now() - 5)])
  expect(line.length).toBe(2)
})
