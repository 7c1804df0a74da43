import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { upstreamIdentifier, upstreamSentence } from '../src/providers/wire/upstream-words'
import { describe as describeError } from '../src/runtime/log'
import { redacted } from '../src/runtime/redacted'

describe('a sentence loses', () => {
  test.each([
    ['a URL', 'See https://admin.relay.example/keys?id=7#x for more.', 'See *** for more.'],
    ['a URL with a user', 'Cannot reach http://root:pw@10.0.0.7:8080/v1', 'Cannot reach ***'],
    ['a URL between Chinese words', '请访问https://relay.cn/充值，谢谢', '请访问***，谢谢'],
    ['a data URL', 'Cannot read data:image/png;base64,iVBORw0KGgo=', 'Cannot read ***'],
    ['a host with a path', 'Contact us at help.openai.com/contact or later', 'Contact us at *** or later'],
    ['a host of a cluster', 'dial upstream-7f9c.default.svc.cluster.local:8080 failed', 'dial *** failed'],
    ['localhost', 'connect to localhost:3000', 'connect to ***'],
    ['a mail address', 'Write to Ops.Team+a@relay.example.com.', 'Write to ***.'],
    ['an IPv4 address', 'from 203.0.113.9, refused', 'from ***, refused'],
    ['an IPv4 address with a port', 'dial tcp 10.1.2.3:443: refused', 'dial tcp ***: refused'],
    ['an IPv6 address', 'from [2001:db8::8a2e:370:7334]:443', 'from [***]:443'],
    ["OpenAI's key", 'Incorrect API key provided: sk-proj-abcd1234', 'Incorrect API key provided: ***'],
    ['a masked key', 'The key sk-ab***xy is wrong', 'The key *** is wrong'],
    ['a key in Chinese words', '令牌sk-abc12345已用完', '令牌***已用完'],
    ["Google's key", 'API key AIzaSyA1234567890abcdefghijklmnopqrstuv', 'API key ***'],
    ["Replicate's token", 'token r8_4fJd72kLs0 is gone', 'token *** is gone'],
    ['a JSON Web Token', 'Got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'Got ***'],
    ['a bearer', 'Sent Authorization: Bearer abc.def', 'Sent Authorization: Bearer ***'],
    ['a labelled password', 'user root password=hunter2; retry', 'user root password=***; retry'],
    ['an organisation', 'Organization org-abc123 has no funds', 'Organization *** has no funds'],
    ['a request id', 'include the request ID req_0a1b2c', 'include the request ID ***'],
    ['a UUID', 'job 123e4567-e89b-12d3-a456-426614174000 failed', 'job *** failed'],
    ['a hash', 'digest 9f86d081884c7d659a2f', 'digest ***'],
    ['base64', 'got dGhpcyBpcyBhIHNlY3JldCE=', 'got ***'],
    ['a path of a file', 'at Object.run (/app/src/worker.js:10:5)', 'at Object.run (***:10:5)'],
    ['a path of Windows', String.raw`open C:\Users\ops\key.txt failed`, 'open *** failed'],
    ['a telephone number', '客服 13800138000', '客服 ***'],
  ])('%s', (_, said, left) => {
    expect(redacted(said)).toBe(left)
  })

  test('the credential, of any form', () => {
    expect(redacted('The key hund.e?katze is wrong', 'hund.e?katze')).toBe('The key *** is wrong')
  })
})

describe('a sentence about the request stays', () => {
  test.each([
    "Invalid value: '1824x1025'. Supported values are: '1024x1024', '1536x1024', '1024x1536', and 'auto'.",
    "Unknown parameter: 'image_prompt_strength'.",
    "Invalid type for 'images[0].image_url': expected a string, but got null instead.",
    'The model `gpt-image-2-2026-04-21` does not exist.',
    "The model 'black-forest-labs/FLUX.1.1-kontext-pro-ultra' takes one picture.",
    '@cf/leonardo/lucid-origin, gemini-3.1-flash-image-preview, doubao-seedream-5-0-260128, recraftv4_1, sd3.5-large',
    'ByteDance/Seedream-4.0 and google/gemini-nano-banana-2.1 need width/height between 64 and 4096.',
    'The aspect ratio must be 16:9, 4:3 or 1:1; it is 21:9 at 12:30:45.',
    'Your request was rejected by the safety system. safety_violations=[sexual_content,self-harm/intent].',
    'prompt_tokens must be <= 32000 (got 40123), e.g. shorten it. At most 20971520 bytes.',
    'InvalidArgumentException: enum value HARM_CATEGORY_DANGEROUS_CONTENT is unknown',
    '提示词包含敏感内容，请修改后重试。尺寸必须是16的倍数。',
    'The internationalization of pneumonoultramicroscopic words.',
  ])('%s', (said) => {
    expect(redacted(said)).toBe(said)
  })
})

const OF_TOKENS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.split('')
const letters = (min: number, max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...OF_TOKENS), minLength: min, maxLength: max })
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: length, maxLength: length })

/** Keys of makers, addresses and ids, as relays quote them. */
const revealing = fc.oneof(
  fc.tuple(fc.constantFrom('sk-', 'sk-proj-', 'sk-ant-', 'sk_live_', 'org-', 'proj_'), letters(8, 64)).map(join),
  letters(24, 64).filter((word) => /\d/.test(word)),
  hex(32).filter((word) => /\d/.test(word)),
  hex(40).map((word) => `AIza${word}`),
  fc.uuid(),
  fc.ipV4().map((address) => `${address}:8443`),
  fc.ipV6().filter((address) => (address.match(/:/g) ?? []).length > 2),
  fc.emailAddress().filter((address) => !address.includes("'")),
  fc.webUrl({ withQueryParameters: true }),
  fc.tuple(letters(4, 12), fc.constantFrom('.com', '.ai', '.com.cn', '.internal')).map(join),
)
function join([start, end]: [string, string]): string {
  return start + end
}

const frame = fc.constantFrom(
  (secret: string) => `The key ${secret} may not do this.`,
  (secret: string) => `Failed ("${secret}")`,
  (secret: string) => `失败：${secret}，请重试`,
  (secret: string) => `[${secret}] is wrong`,
  (secret: string) => `upstream '${secret}', retry`,
)

test('no secret of any kind is left in any sentence', () => {
  fc.assert(
    fc.property(revealing, frame, (secret, framed) => {
      expect(upstreamSentence(framed(secret), 'other')).not.toContain(secret)
    }),
    { numRuns: 2000 },
  )
})

test('a sentence is redacted once: a second time changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (said) => {
      const once = redacted(said)
      expect(redacted(once)).toBe(once)
    }),
  )
})

test('a long sentence is short, and holds no part of a secret that its limit cuts', () => {
  const said = upstreamSentence(`${'word '.repeat(796)}sk-${'a1'.repeat(5000)}`, 'other')
  expect(said).toHaveLength(500)
  expect(upstreamSentence(`${'https://a.example/?'.padEnd(3990, 'x')} key-4f0aa5`, 'other')).toBe('*** ')
})

test.each([
  ['size', 'size'],
  ['images[0].url', 'images[0].url'],
  ['r8_4f5d72b0aa51', undefined],
  ['Size', undefined],
  [undefined, undefined],
])('a parameter %s is named as %s', (name, named) => {
  expect(upstreamIdentifier(name)).toBe(named)
})

test('a logged error has a message without secrets, and its calls', () => {
  const error = captured(() => JSON.parse('sk-abcd12') as unknown)
  const { error: words, stack } = describeError(error)
  expect(words).toMatch(/^SyntaxError: .*\*\*\*/)
  expect(stack).toMatch(/^ {4}at /)
  expect(JSON.stringify([words, stack])).not.toContain('abcd12')
})

function captured(fails: () => unknown): unknown {
  try {
    return fails()
  } catch (error) {
    return error
  }
}
