import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { attemptWebhook, type WebhookAttempt } from '../../src/webhooks/attempt'
import { nextAttemptMs } from '../../src/webhooks/retry-schedule'
import { webhookSecrets } from '../../src/webhooks/signing'
import { internet } from '../support/internet'

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const SECRETS = webhookSecrets('acme', [2, 1], 'signing-secret-of-the-tests-32-characters')
const MESSAGE = {
  id: 'evt_1',
  url: 'https://hooks.example.com/in?token=t',
  body: '{"type":"image.generation.completed"}',
}
const NOW = Date.UTC(2026, 10, 20, 12, 0, 0, 900)

const send = (message = MESSAGE, nowMs = NOW): Promise<WebhookAttempt> =>
  attemptWebhook(message, SECRETS, { allowPrivateUrls: false }, nowMs)

/** A receiver with these answers; returns the requests that it received. */
function receiver(answer: () => Response | Promise<Response> = () => new Response('ok')): Request[] {
  const requests: Request[] = []
  internet({
    'hooks.example.com': {
      handle: (request) => {
        requests.push(request)
        return answer()
      },
    },
  })
  return requests
}

const answering = (status: number, headers: Record<string, string> = {}): Request[] =>
  receiver(() => new Response(status === 204 || status === 304 ? null : 'secret words', { status, headers }))

describe('an event', () => {
  test('is posted once, with the headers of Standard Webhooks and no others', async () => {
    const requests = receiver()
    await send()
    const [request] = requests
    expect(requests.map(({ method, url, redirect }) => [method, url, redirect])).toEqual([
      ['POST', MESSAGE.url, 'manual'],
    ])
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      'content-type': 'application/json',
      'user-agent': 'darkroom-webhooks',
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Math.floor(NOW / 1000)),
      'webhook-signature': expect.stringMatching(/^v1,\S{44} v1,\S{44}$/),
    })
    expect(await request?.text()).toBe(MESSAGE.body)
  })

  test('is valid for a receiver that knows either secret', async () => {
    const requests = receiver()
    await send(MESSAGE, Date.now())
    const [request] = requests
    const body = (await request?.text()) ?? ''
    const headers = Object.fromEntries(request?.headers ?? [])
    for (const secret of SECRETS) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(MESSAGE.body))
  })

  test.each([200, 201, 202, 204, 299])('is delivered when the receiver answers with %i', async (status) => {
    answering(status)
    expect(await send()).toEqual({ outcome: 'delivered', status })
  })

  test.each([400, 401, 404, 408, 409, 413, 429, 500, 501, 502, 503, 504])('fails on a %i', async (status) => {
    answering(status)
    expect(await send()).toEqual({
      outcome: 'failed',
      status,
      error: `The receiver answered with status ${status}.`,
    })
  })

  test.each([300, 301, 302, 303, 304, 307, 308, 399])('fails on a %i, without following it', async (status) => {
    const requests = answering(status, { location: 'https://hooks.example.com/elsewhere' })
    expect(await send()).toMatchObject({ outcome: 'failed', status, error: expect.stringContaining('redirects') })
    expect(requests).toHaveLength(1)
  })

  test('disables the webhook on a 410', async () => {
    answering(410)
    expect(await send()).toMatchObject({ outcome: 'gone', status: 410 })
  })

  test.each([
    ['http://hooks.example.com/', 'it does not begin with https://'],
    ['https://10.1.2.3/', 'its host is not on the public internet'],
    ['https://user:pass@hooks.example.com/', 'it holds a user name or password'],
  ])('is not sent to %s, even where the URL was valid once', async (url, why) => {
    const requests = receiver()
    expect(await send({ ...MESSAGE, url })).toEqual({ outcome: 'failed', error: `The URL is not allowed: ${why}.` })
    expect(requests).toEqual([])
  })

  test('is sent to a private host where settings allow that', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('ok'))
    const url = 'http://localhost:9000/hook'
    expect(await attemptWebhook({ ...MESSAGE, url }, SECRETS, { allowPrivateUrls: true }, NOW)).toMatchObject({
      status: 200,
    })
    expect(fetched).toHaveBeenCalledOnce()
  })
})

describe('an answer', () => {
  test('is cancelled unread', async () => {
    let [pulled, cancelled] = [false, false]
    const body = new ReadableStream(
      {
        pull: () => void (pulled = true),
        cancel: () => void (cancelled = true),
      },
      { highWaterMark: 0 },
    )
    receiver(() => new Response(body))
    expect(await send()).toEqual({ outcome: 'delivered', status: 200 })
    expect([pulled, cancelled]).toEqual([false, true])
  })

  test('counts even if its body breaks off', async () => {
    const body = new ReadableStream({ cancel: () => Promise.reject(new TypeError('reset')) })
    receiver(() => new Response(body))
    expect(await send()).toEqual({ outcome: 'delivered', status: 200 })
  })

  test('that takes more than 20 seconds is a failure', async () => {
    vi.useFakeTimers()
    const requests = receiver(() => new Promise<Response>(() => {}))
    const sending = send()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await sending).toEqual({ outcome: 'failed', error: 'The receiver did not answer in 20 seconds.' })
    expect(requests[0]?.signal.aborted).toBe(true)
  })

  test('leaves no timer behind', async () => {
    vi.useFakeTimers()
    receiver()
    await send()
    expect(vi.getTimerCount()).toBe(0)
  })

  test("of a host that does not exist is reported without the platform's message", async () => {
    internet({})
    expect(await send()).toEqual({ outcome: 'failed', error: 'The receiver could not be reached.' })
  })
})

describe('a retry-after', () => {
  const IN_A_MINUTE = new Date(NOW + 60_100).toUTCString()

  test.each([
    [429, '120', 120_000],
    [502, '120', 120_000],
    [503, '120', 120_000],
    [504, '120', 120_000],
    [503, IN_A_MINUTE, 60_100],
    [503, '31536000', 86_400_000],
  ])('on a %i of %s is %i ms', async (status, retryAfter, retryAfterMs) => {
    answering(status, { 'retry-after': retryAfter })
    expect(await send()).toMatchObject({ outcome: 'failed', status, retryAfterMs })
  })

  test.each([
    [500, '120'],
    [404, '120'],
    [302, '120'],
    [410, '120'],
    [200, '120'],
    [503, '0'],
    [503, '-5'],
    [503, 'soon'],
    [503, ''],
    [503, 'Fri, 20 Nov 2020 12:00:00 GMT'],
  ])('on a %i of %j is ignored', async (status, retryAfter) => {
    answering(status, { 'retry-after': retryAfter })
    expect(await send()).not.toHaveProperty('retryAfterMs')
  })
})

describe('the attempt after', () => {
  const [MINUTE, HOUR] = [60_000, 3_600_000]

  test.each([
    [1, 5000],
    [2, 5 * MINUTE],
    [3, 30 * MINUTE],
    [4, 2 * HOUR],
    [5, 5 * HOUR],
    [6, 10 * HOUR],
  ])('number %i follows in %i ms, or up to a fifth later', (attempt, pauseMs) => {
    const all = [0, 0.5, 1].map((random) => nextAttemptMs(attempt, NOW, random))
    expect(all).toEqual([NOW + pauseMs, NOW + pauseMs * 1.1, NOW + pauseMs * 1.2])
  })

  test('number 7 does not take place', () => {
    expect([nextAttemptMs(7, NOW, 0.5), nextAttemptMs(7, NOW, 0.5, 1000)]).toEqual([undefined, undefined])
  })

  test('waits at least as long as the receiver asks', () => {
    expect(nextAttemptMs(1, NOW, 0, 60_000)).toBe(NOW + 60_000)
    expect(nextAttemptMs(2, NOW, 0, 60_000)).toBe(NOW + 5 * MINUTE)
  })
})
