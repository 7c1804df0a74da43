import { expect, test, vi } from 'vitest'
import type { CalledOrder } from '../../src/team/order-queue'
import { VerdictSender } from '../../src/team/verdict-sender'
import { orderNumbered } from '../support/order-steps'

const called = (place: number): CalledOrder => ({
  place,
  verdict: {},
  order: orderNumbered(place, { key: 'key_a', images: 1, quote: 10 }),
})

/** An outbox with verdicts, and a sender of it. Deliveries end by `answer`; a confirmed verdict goes. */
function outboxOf(...all: CalledOrder[]): {
  rows: CalledOrder[]
  sent: number[]
  send: () => Promise<void>
  answer: (isWanted: boolean | Error) => void
} {
  const rows = [...all]
  const sent: number[] = []
  const waiting: PromiseWithResolvers<boolean>[] = []
  const notified = ({ place }: CalledOrder): void => {
    rows.splice(
      rows.findIndex((row) => row.place === place),
      1,
    )
  }
  const sender = new VerdictSender({ called: () => [...rows] }, { notified }, ({ place }) => {
    sent.push(place)
    const delivery = Promise.withResolvers<boolean>()
    waiting.push(delivery)
    return delivery.promise
  })
  const answer = (isWanted: boolean | Error): void => {
    const delivery = waiting.shift()
    if (isWanted instanceof Error) delivery?.reject(isWanted)
    else delivery?.resolve(isWanted)
  }
  return { rows, sent, send: () => sender.send(), answer }
}

test('a verdict in flight is not sent once more', async () => {
  const { rows, sent, send, answer } = outboxOf(called(1))
  const sending = send()
  await send()
  rows.push(called(2))
  const more = send()
  expect(sent).toEqual([1, 2])
  answer(true)
  answer(true)
  await Promise.all([sending, more])
  expect(rows).toEqual([])
})

test('a verdict that did not arrive stays in the outbox and is sent again', async () => {
  const { rows, sent, send, answer } = outboxOf(called(1))
  const sending = send()
  answer(new Error('the line is dead'))
  await sending
  expect(rows).toHaveLength(1)
  const again = send()
  answer(true)
  await again
  expect([sent, rows]).toEqual([[1, 1], []])
})

test('the verdicts that a released reservation calls are sent at once', async () => {
  const { rows, sent, send, answer } = outboxOf(called(1))
  const sending = send()
  rows.push(called(2))
  answer(false)
  await vi.waitUntil(() => sent.length === 2)
  answer(true)
  await sending
  expect(rows).toEqual([])
})
