import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { webhookSecrets, webhookSignature } from '../../src/webhooks/signing'

const GATEWAY_SECRET = 'signing-secret-of-the-tests-32-characters'
const secretOf = (team: string, version: number, gatewaySecret = GATEWAY_SECRET): string =>
  webhookSecrets(team, [version], gatewaySecret).join()

describe('a signing secret', () => {
  test('has the form of Standard Webhooks, with 32 bytes', () => {
    expect(secretOf('acme', 1)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })

  test('is derived the same way each time', () => {
    expect(secretOf('acme', 1)).toBe(secretOf('acme', 1))
  })

  test('differs for each team, version and gateway', () => {
    const secrets = [
      secretOf('acme', 1),
      secretOf('acme', 2),
      secretOf('acme', 11),
      secretOf('acme1', 1),
      secretOf('acme', 1, 'another-secret-of-the-tests-32-characters'),
    ]
    expect(new Set(secrets).size).toBe(secrets.length)
  })
})

describe('a receiver with the library of Standard Webhooks', () => {
  const body = JSON.stringify({ type: 'image.generation.completed', data: { prompt: 'Köln – “猫”' } })
  const [older, newer] = [secretOf('acme', 1), secretOf('acme', 2)]
  const headersOf = (secrets: string[], ageSeconds = 0): Record<string, string> => {
    const timestamp = Math.floor(Date.now() / 1000) - ageSeconds
    return {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': webhookSignature('evt_1', timestamp, body, secrets),
    }
  }

  test('accepts a signed event', () => {
    expect(new Webhook(older).verify(body, headersOf([older]))).toEqual(JSON.parse(body))
  })

  test.each([
    ['the old', older],
    ['the new', newer],
  ])('accepts an event of a rotation by the %s secret', (_, secret) => {
    expect(new Webhook(secret).verify(body, headersOf([newer, older]))).toEqual(JSON.parse(body))
  })

  test('computes the same signature', () => {
    const at = new Date(1_795_000_000_000)
    expect(webhookSignature('evt_1', 1_795_000_000, body, [older])).toBe(new Webhook(older).sign('evt_1', at, body))
  })

  test.each([
    ['a changed body', `${body} `, headersOf([newer, older])],
    ['another id', body, { ...headersOf([newer, older]), 'webhook-id': 'evt_2' }],
    ['an old signature', body, headersOf([newer, older], 301)],
    ['the signature of another team', body, headersOf([secretOf('other', 1)])],
    ['a signature without the old secret', body, headersOf([newer])],
  ])('refuses %s', (_, received, headers) => {
    expect(() => new Webhook(older).verify(received, headers)).toThrow(WebhookVerificationError)
  })
})
