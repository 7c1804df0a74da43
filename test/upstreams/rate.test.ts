import { abortAllDurableObjects } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { accounts, small, stillClock } from '../support/accounts'
import { post } from '../support/gateway'

const fake = accounts([{ name: 'paced', secret: 'PACED_KEY', models: ['paced=relay-1'], requests_per_minute: 5 }], {
  PACED_KEY: 'key-paced',
  QUEUE_WAIT_SECONDS: 0,
})

/** The status and retry-after of an answer. */
async function ask(prompt: string): Promise<{ status: number; retryAfter: string | null }> {
  const response = await post('/v1/images/generations', small('paced', prompt))
  await response.arrayBuffer()
  return { status: response.status, retryAfter: response.headers.get('retry-after') }
}

test('an upstream with five requests a minute gets no more in any minute, even after crashes', async () => {
  const moveOn = stillClock()
  const statuses: number[] = []
  for (let step = 0; step < 66; step++) {
    statuses.push((await ask(`A cat ${step}`)).status)
    if (step % 20 === 3) await abortAllDurableObjects()
    moveOn(3307)
  }
  const sent = fake.visits.map(({ atMs }) => atMs)
  const inMinutes = sent.map((fromMs) => sent.filter((atMs) => atMs >= fromMs && atMs < fromMs + 60_000).length)
  expect(Math.max(...inMinutes)).toBe(5)
  // 215 seconds hold three and a half minutes, each up to a second longer.
  expect([sent.length, statuses.filter((status) => status === 200).length]).toEqual([20, 20])
  expect(new Set(statuses)).toEqual(new Set([200, 503]))
})

test('an early request gets the time of the next room, and finds it then', async () => {
  const moveOn = stillClock()
  for (const at of [1, 2, 3, 4, 5]) {
    expect((await ask(`A dog ${at}`)).status).toBe(200)
    moveOn(1000)
  }
  moveOn(20_000)
  const { status, retryAfter } = await ask('A cow')
  expect(status).toBe(503)
  moveOn(Number(retryAfter) * 1000 - 2000)
  expect((await ask('A fox')).status).toBe(503)
  moveOn(2000)
  expect((await ask('A hen')).status).toBe(200)
  expect(fake.visits).toHaveLength(6)
})
