import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import type { Order } from '../../src/ledger/entry'
import { limitStatus } from '../support/accounting'
import { FAILED, orderOf, settle } from '../support/orders'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const take = (order: Order): Promise<unknown> => env.TEAMS.getByName('acme').reserve(order, true)
const limit = (images: number): Promise<Response> =>
  operate('PATCH', '/teams/acme', { limits: { concurrency: 1, images_per_day: images } })

test('a refusal that its generation missed is repeated on the next call', async () => {
  const acme = await team('acme', { concurrency: 1, images_per_day: 10 })
  const unheard = vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation(() => {
    throw new Error('the line is dead')
  })
  const waiting = orderOf(acme, { id: 'run_2' })
  expect(await take(orderOf(acme))).toMatchObject({ ok: true, value: undefined })
  expect(await take(waiting)).toMatchObject({ ok: true, value: { instead: {} } })
  await limit(1)
  await settle(FAILED)
  await limit(10)
  expect(await take(waiting)).toMatchObject({ ok: false, failure: { code: 'rate_limited' } })
  unheard.mockRestore()
  expect(await limitStatus('acme', 'concurrency')).toMatchObject({ used: 0 })
})
