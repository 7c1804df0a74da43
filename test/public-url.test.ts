import { describe, expect, test } from 'vitest'
import { publicUrl, RefusedUrl } from '../src/runtime/public-url'

const refusalOf = (address: string, allowPrivateUrls: boolean): unknown => {
  try {
    return publicUrl(address, { schemes: ['https:'], allowPrivateUrls }).href
  } catch (error) {
    return error instanceof RefusedUrl ? error.message : error
  }
}

const NO_URL = 'it is not a URL'
const NOT_HTTPS = 'it does not begin with https://'
const USER_INFO = 'it holds a user name or password'
const NOT_PUBLIC = 'its host is not on the public internet'

describe('a URL', () => {
  test.each([
    ['example.com', NO_URL],
    ['http://example.com/', NOT_HTTPS],
    ['ftp://example.com/', NOT_HTTPS],
    ['https://user:pass@example.com/', USER_INFO],
    ['https://localhost/', NOT_PUBLIC],
    ['https://10.1.2.3/', NOT_PUBLIC],
    ['https://[::1]/', NOT_PUBLIC],
    ['https://metadata.google.internal/', NOT_PUBLIC],
  ])('%s is refused, since %s', (address, why) => {
    expect(refusalOf(address, false)).toBe(why)
  })

  test.each(['https://example.com/', 'https://example.com:8443/a?b=c'])('%s is followed', (address) => {
    expect(refusalOf(address, false)).toBe(address)
  })
})

describe('with private URLs allowed', () => {
  test.each(['http://example.com/', 'http://localhost:8787/', 'https://10.1.2.3/', 'http://[::1]/'])(
    '%s is followed',
    (address) => {
      expect(refusalOf(address, true)).toBe(address)
    },
  )

  test.each([
    ['example.com', NO_URL],
    ['ftp://localhost/', NOT_HTTPS],
    ['http://user:pass@localhost/', USER_INFO],
  ])('%s is refused all the same, since %s', (address, why) => {
    expect(refusalOf(address, true)).toBe(why)
  })
})
