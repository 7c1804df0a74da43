import { beforeEach, describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { errorOf } from '../support/gateway'
import { at, NOON } from '../support/orders'
import { receivers, send } from '../support/receiver'
import { holdReservations } from '../support/reservations'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

beforeEach(() => {
  // No event goes out by itself.
  at(NOON)
})

describe('a request is refused at no cost if its X-Webhook-URL is', () => {
  test.each([
    ['http://hooks.example.com/in'],
    ['ftp://hooks.example.com/in'],
    ['https://localhost/in'],
    ['https://10.0.0.1/in'],
    ['https://192.168.1.1/in'],
    ['https://127.1/in'],
    ['https://2130706433/in'],
    ['https://0x7f.1/in'],
    ['https://[::1]/in'],
    ['https://[::ffff:127.0.0.1]/in'],
    ['https://[fd00::1]/in'],
    ['https://[64:ff9b::7f00:1]/in'],
    ['https://169.254.169.254/latest/meta-data/'],
    ['https://100.64.0.1/in'],
    ['https://metadata.google.internal/in'],
    ['https://printer.local./in'],
    ['https://intranet/in'],
    ['https://user:pass@hooks.example.com/in'],
    ['https://user@hooks.example.com/in'],
    ['https://'],
    ['hooks.example.com/in'],
    ['javascript:alert(1)'],
    ['garbage'],
    [''],
    [`https://hooks.example.com/${'a'.repeat(2048)}`],
  ])('%s', async (url) => {
    const { key } = await team('acme')
    const refused = await errorOf(await ask(key, {}, { 'x-webhook-url': url }))
    expect(refused).toMatchObject({ status: 400, param: 'X-Webhook-URL', type: 'invalid_request_error' })
    expect(upstream.calls).toHaveLength(0)
  })

  test('and so is a job', async () => {
    const { key } = await team('acme')
    const headers = { 'x-webhook-url': 'https://10.0.0.1/in', prefer: 'respond-async' }
    expect(await errorOf(await ask(key, {}, headers))).toMatchObject({ status: 400, param: 'X-Webhook-URL' })
    expect(upstream.calls).toHaveLength(0)
  })

  test('and leaves its Idempotency-Key free', async () => {
    const { key } = await team('acme')
    const headers = { 'idempotency-key': 'once', 'x-webhook-url': 'https://10.0.0.1/in' }
    await ask(key, {}, headers)
    const other = await ask(key, { prompt: 'A dog' }, { ...headers, 'x-webhook-url': HOOK })
    expect([other.status, other.headers.get('idempotent-replayed')]).toEqual([200, null])
  })
})

describe('an immediate refusal has no event', () => {
  test.each([
    ['no key', {}, {}, 'sk-dr-nobody', 401],
    ['no image left for the day', { images_per_day: 0 }, {}, undefined, 429],
    ['no budget', { budget_usd: 0 }, {}, undefined, 429],
    ['no free slot of the concurrency', { concurrency: 0 }, {}, undefined, 429],
    ['an unknown model', {}, { model: 'nonsense-1' }, undefined, 400],
    ['an unknown size', {}, { size: '1x1' }, undefined, 400],
  ])('where there is %s', async (_, limits, body, stranger, status) => {
    const acme = await team('acme', limits)
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    for (const prefer of ['respond-async', 'wait=30', 'handling=lenient']) {
      const refused = await ask(stranger ?? acme.key, body, { 'x-webhook-url': HOOK, prefer })
      expect(refused.status).toBe(status)
    }
    await send()
    expect(hooks.got).toEqual([])
  })

  test('beside other requests for the same image that succeed', async () => {
    const { key } = await team('acme')
    const poor = await issue('acme', { limits: { images_per_day: 0 } })
    const { waiting, release } = holdReservations()
    const refused = ask(poor.key, {}, { 'x-webhook-url': HOOK })
    await vi.waitUntil(() => waiting() === 1)
    const { begun: served } = await joined(() => ask(key, {}, { 'x-webhook-url': HOOK }))
    release()
    expect([(await refused).status, (await served).status]).toEqual([429, 200])
    await send()
    expect(hooks.types).toEqual(['image.generation.completed'])
  })

  test('beside several requests of its key with URLs of their own', async () => {
    const { key } = await team('acme', { images_per_day: 0 })
    const asked = ['a', 'b', 'c'].map((name) => ask(key, {}, { 'x-webhook-url': `${HOOK}/${name}` }))
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 429])
    await send()
    expect(hooks.got).toEqual([])
  })
})
