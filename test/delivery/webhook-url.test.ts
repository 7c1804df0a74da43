import { describe, expect, test } from 'vitest'
import { webhookUrl } from '../../src/webhooks/url'
import { GatewayError } from '../../src/failures/errors'

const PUBLIC = { allowPrivateUrls: false }
const LOCAL = { allowPrivateUrls: true }

const refusalOf = (address: string, settings = PUBLIC, param: 'X-Webhook-URL' | 'url' = 'url'): unknown => {
  try {
    return webhookUrl(address, settings, param)
  } catch (error) {
    return error instanceof GatewayError ? error.failure : error
  }
}

const withLength = (length: number): string => 'https://example.com/'.padEnd(length, 'a')

const NOT_PUBLIC = 'its host is not on the public internet'

/** URLs that are refused, each with the reason. */
const UNSAFE: [string, string][] = [
  ['', 'it is not a URL'],
  ['example.com/hook', 'it is not a URL'],
  ['http://example.com/hook', 'it does not begin with https://'],
  ['ftp://example.com/hook', 'it does not begin with https://'],
  ['https://user:pass@example.com/hook', 'it holds a user name or password'],
  ['https://localhost/hook', NOT_PUBLIC],
  ['https://10.1.2.3/hook', NOT_PUBLIC],
  ['https://127.0.0.1/hook', NOT_PUBLIC],
  ['https://2130706433/hook', NOT_PUBLIC],
  ['https://169.254.169.254/latest/meta-data', NOT_PUBLIC],
  ['https://[::1]/hook', NOT_PUBLIC],
  ['https://[::ffff:127.0.0.1]/hook', NOT_PUBLIC],
  ['https://metadata.google.internal/hook', NOT_PUBLIC],
  ['https://hooks.internal/hook', NOT_PUBLIC],
  [withLength(2049), 'it is too long'],
]

describe('no webhook is sent to', () => {
  test.each(UNSAFE)('%s: %s', (address, why) => {
    expect(refusalOf(address)).toEqual({
      code: 'invalid_request',
      message: `Invalid 'url': ${why}. Name an https URL on the public internet, of at most 2048 characters.`,
      param: 'url',
      reason: 'invalid_value',
    })
  })
})

test('the refusal names its parameter', () => {
  expect(refusalOf('http://example.com/', PUBLIC, 'X-Webhook-URL')).toMatchObject({
    param: 'X-Webhook-URL',
    message: expect.stringContaining("Invalid 'X-Webhook-URL'"),
  })
})

test.each([
  ['https://example.com/hook?token=a%20b', 'https://example.com/hook?token=a%20b'],
  ['HTTPS://Example.com:8443', 'https://example.com:8443/'],
  [withLength(2048), withLength(2048)],
])('a webhook may be sent to %s', (address, url) => {
  expect(webhookUrl(address, PUBLIC, 'url')).toBe(url)
})

describe('with private URLs allowed', () => {
  test.each(['http://localhost:8787/hook', 'https://10.1.2.3/hook', 'http://[::1]/hook', 'http://a.internal/'])(
    'a webhook may be sent to %s',
    (address) => {
      expect(webhookUrl(address, LOCAL, 'url')).toBe(address)
    },
  )

  test.each(['ftp://localhost/hook', 'http://user:pass@localhost/hook', 'localhost', withLength(2049)])(
    'no webhook is sent to %s',
    (address) => {
      expect(refusalOf(address, LOCAL)).toMatchObject({ code: 'invalid_request', param: 'url' })
    },
  )
})
