import { beforeEach, describe, expect, test, vi } from 'vitest'
import { at, HOUR, NOON } from '../support/orders'
import { after, OTHER_HOOK, receivers, send, verified } from '../support/receiver'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK, webhook, type WebhookJson } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
})

/** Makes a picture and sends its event. */
async function tell(url = HOOK): Promise<void> {
  await ask(acme.key, {}, { 'x-webhook-url': url, 'cache-control': 'no-store' })
  await send()
}

const rotate = async (): Promise<WebhookJson> =>
  await (await operate('POST', '/teams/acme/webhook/secret')).json<WebhookJson>()

describe('a secret', () => {
  test('signs for one more day after its rotation, beside the new one', async () => {
    const old = (await webhook()).secret
    const { secret } = await rotate()
    await tell()
    expect([verified(hooks.last, old), verified(hooks.last, secret)]).toEqual([hooks.events[0], hooks.events[0]])
    await after(24 * HOUR)
    await tell()
    expect(verified(hooks.last, secret)).toBeTruthy()
    expect(() => verified(hooks.last, old)).toThrow('No matching')
  })

  test('that is new signs earlier events of later attempts', async () => {
    hooks.answer(500, 200)
    await tell()
    const { secret } = await rotate()
    await after(6000)
    expect(hooks.got).toHaveLength(2)
    expect(verified(hooks.last, secret)).toBeTruthy()
  })

  test('rotated twice in a day signs no more', async () => {
    const oldest = (await webhook()).secret
    const { secret: old } = await rotate()
    await rotate()
    await tell()
    expect(verified(hooks.last, old)).toBeTruthy()
    expect(() => verified(hooks.last, oldest)).toThrow('No matching')
  })

  test('makes a replay after five minutes invalid', async () => {
    await tell()
    const { secret } = await webhook()
    vi.setSystemTime(Date.now() + HOUR)
    expect(() => verified(hooks.last, secret)).toThrow('timestamp too old')
  })
})

describe('neither a log nor a history', () => {
  test('contains a secret, the query of a URL, or an answer of a receiver', async () => {
    const lines: unknown[] = []
    for (const method of ['log', 'warn', 'error', 'info', 'debug'] as const)
      vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void lines.push(...words))
    const { secret } = await webhook()
    await operate('PUT', '/teams/acme/webhook', { url: `${OTHER_HOOK}?token=secret-of-team` })
    hooks.answer(500, () => Promise.reject(new TypeError('no way to secret-of-request')), 200)
    other.answer(() => new Response('words of the receiver', { status: 410 }))
    await tell(`${HOOK}?token=secret-of-request`)
    await after(6000)
    await after(HOUR)
    const history = await (await operate('GET', '/teams/acme/webhook/deliveries')).text()
    const audit = await (await operate('GET', '/audit?team=acme')).text()
    expect([hooks.got.length, other.got.length]).toEqual([3, 1])
    const all = [...lines.map(String), history, audit].join('\n')
    expect(all).toContain('webhook-disabled')
    for (const word of [secret, secret.slice(6), 'secret-of-', 'words of the receiver', 'v1,'])
      expect(all).not.toContain(word)
  })
})
