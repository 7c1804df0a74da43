import { Webhook } from 'standardwebhooks'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { webhookSignature } from '../../src/webhooks/signing'
import { errorOf } from '../support/gateway'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK, note, webhook, type WebhookJson } from '../support/webhooks'

upstreams()

const HOUR = 3_600_000
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/

const put = (url: unknown, id = 'acme'): Promise<Response> => operate('PUT', `/teams/${id}/webhook`, { url })
const rotate = async (): Promise<WebhookJson> =>
  await (await operate('POST', '/teams/acme/webhook/secret')).json<WebhookJson>()

beforeEach(async () => {
  await team('acme')
})

describe('the webhook of a team', () => {
  test('starts without a URL, with a secret', async () => {
    const response = await operate('GET', '/teams/acme/webhook')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({
      object: 'webhook',
      url: null,
      disabled_at: null,
      secret: expect.stringMatching(SECRET),
      previous_secret: null,
      previous_secret_until: null,
    })
  })

  test('is the one set last', async () => {
    await put('https://first.example.com/hook')
    const set = await put(`${HOOK}?token=t`)
    expect(set.status).toBe(200)
    expect(await set.json()).toEqual({ ...(await webhook()), url: `${HOOK}?token=t` })
  })

  test('exists for the team of the static key as well', async () => {
    expect(await (await put(HOOK, 'default')).json()).toMatchObject({ url: HOOK })
  })

  test('has no URL after its removal, and keeps its secret', async () => {
    await put(HOOK)
    const before = await webhook()
    const removed = await operate('DELETE', '/teams/acme/webhook')
    expect(await removed.json()).toEqual({ ...before, url: null })
    expect(await webhook()).toEqual({ ...before, url: null })
  })

  test('is disabled after a 410 of its receiver, until it is set again', async () => {
    await put(HOOK)
    await note({ status: 'failed', gone: true })
    expect(await webhook()).toMatchObject({ url: HOOK, disabled_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) })
    await put(HOOK)
    expect(await webhook()).toMatchObject({ url: HOOK, disabled_at: null })
  })

  test('has a secret of its own', async () => {
    await team('other')
    const { secret } = await (await operate('GET', '/teams/other/webhook')).json<WebhookJson>()
    expect(secret).not.toBe((await webhook()).secret)
  })
})

describe('a webhook is not set to', () => {
  test.each([
    ['http://example.com/hook'],
    ['https://localhost/hook'],
    ['http://localhost:8787/hook'],
    ['https://10.0.0.1/hook'],
    ['https://127.0.0.1/hook'],
    ['https://0x7f000001/hook'],
    ['https://[::1]/hook'],
    ['https://[::ffff:10.0.0.1]/hook'],
    ['https://169.254.169.254/latest/meta-data/'],
    ['https://metadata.google.internal/hook'],
    ['https://hooks.internal/hook'],
    ['https://user:pass@example.com/hook'],
    ['hooks.example.com'],
    [''],
    [`https://example.com/${'a'.repeat(2048)}`],
    [7],
    [null],
    [undefined],
  ])('%s', async (url) => {
    expect(await errorOf(await put(url))).toMatchObject({ status: 400, param: 'url' })
    expect(await webhook()).toMatchObject({ url: null })
  })

  test('a URL beside an unknown field', async () => {
    const refused = await operate('PUT', '/teams/acme/webhook', { url: HOOK, secret: 'whsec_mine' })
    expect(await errorOf(refused)).toMatchObject({ status: 400, param: 'secret' })
  })
})

describe('a new secret', () => {
  test('replaces the old one, which still signs for a day', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const before = await webhook()
    const rotated = await rotate()
    expect(rotated).toEqual({
      ...before,
      secret: expect.stringMatching(SECRET),
      previous_secret: before.secret,
      previous_secret_until: new Date(Date.now() + 24 * HOUR).toISOString(),
    })
    expect(rotated.secret).not.toBe(before.secret)
    vi.setSystemTime(Date.now() + 24 * HOUR - 1)
    expect(await webhook()).toEqual(rotated)
    vi.setSystemTime(Date.now() + 1)
    expect(await webhook()).toEqual({ ...rotated, previous_secret: null, previous_secret_until: null })
  })

  test('replaces a previous one that is new itself', async () => {
    const first = await rotate()
    const second = await rotate()
    expect(second.previous_secret).toBe(first.secret)
    expect(new Set([first.previous_secret, first.secret, second.secret]).size).toBe(3)
  })

  test('keeps receivers valid that know the old or the new one', async () => {
    const old = (await webhook()).secret
    const { secret, previous_secret } = await rotate()
    const [body, timestamp] = ['{"type":"image.generation.completed"}', Math.floor(Date.now() / 1000)]
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': webhookSignature('evt_1', timestamp, body, [secret, previous_secret ?? '']),
    }
    for (const known of [old, secret]) {
      expect(new Webhook(known).verify(body, headers)).toEqual(JSON.parse(body))
      expect(() => new Webhook(known).verify(body.replace('completed', 'failed'), headers)).toThrow('No matching')
    }
  })
})

test.each([
  ['GET', '/webhook', undefined],
  ['PUT', '/webhook', { url: HOOK }],
  ['DELETE', '/webhook', undefined],
  ['POST', '/webhook/secret', undefined],
  ['GET', '/webhook/deliveries', undefined],
  ['POST', '/webhook/deliveries/evt_1/redeliver', undefined],
])('%s %s of a missing team is a 404', async (method, path, body) => {
  const message = 'There is no such team. List them with GET /admin/api/teams.'
  expect(await errorOf(await operate(method, `/teams/nobody${path}`, body))).toMatchObject({ status: 404, message })
})
