import { expect, test, vi } from 'vitest'
import { accounts, small, standingOf } from '../support/accounts'
import { errorOf, post } from '../support/gateway'

const fake = accounts([{ name: 'lone', secret: 'LONE_KEY', models: ['lone=relay-1'], max_concurrency: 1 }], {
  LONE_KEY: 'key-lone',
  QUEUE_WAIT_SECONDS: 0.3,
})

const ask = (prompt: string): Promise<Response> => post('/v1/images/generations', small('lone', prompt))

test('a request that gives up on a full upstream gets a retry-after and leaves the queue', async () => {
  fake.close()
  const first = ask('A cat')
  await vi.waitUntil(() => fake.visits.length === 1)
  const refused = await Promise.all(['A dog', 'A cow', 'A hen'].map(ask))
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(['5', '5', '5'])
  const words = await Promise.all(refused.map(errorOf))
  expect(words.map(({ status, code }) => [status, code])).toEqual(
    Array.from({ length: 3 }, () => [503, 'server_is_overloaded']),
  )
  expect(await standingOf('lone')).toMatchObject({ slots: 1, waiting: 0 })
  fake.open()
  expect([(await first).status, (await ask('A fox')).status, fake.visits.length]).toEqual([200, 200, 2])
})
