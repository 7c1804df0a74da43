import { expect, test } from 'vitest'
import { base64Length, decodeBase64 } from '../../src/streams/base64'
import { type Bytes, collect } from '../../src/streams/bytes'
import { encode, fate, oddSplits, passing, pieces } from './splits'

const bytesOf = async (text: Bytes): Promise<number[]> => [...(await collect(decodeBase64(text)))]

const hello = [104, 101, 108, 108, 111]

test.each([
  ['nothing', '', []],
  ['white space alone', ' \r\n\t\f', []],
  ['whole triples', 'AAEC/f7/', [0, 1, 2, 253, 254, 255]],
  ['one padding character', 'aGVsbG8=', hello],
  ['two padding characters', 'aGVsbA==', hello.slice(0, 4)],
  ['one padding character left out', 'aGVsbG8', hello],
  ['two padding characters left out', 'aGVsbA', hello.slice(0, 4)],
  ['every character of the alphabet', '+/09azAZ', [251, 253, 61, 107, 48, 25]],
  ['every character of the URL-safe alphabet', '-_09azAZ', [251, 253, 61, 107, 48, 25]],
  ['the URL-safe alphabet with its padding left out', '-_09_w', [251, 253, 61, 255]],
  ['the URL-safe alphabet with its padding', '-_09\n_w==', [251, 253, 61, 255]],
  ['both alphabets', '-/09_z+Z', [251, 253, 61, 255, 63, 153]],
  ['the URL-safe alphabet behind a data URL head', 'data:image/x-icon_a;base64,-_8', [251, 255]],
  ['white space anywhere', ' a\nG V\r\ns\tb G 8 = \n', hello],
  ['white space within the padding', 'aGVsbA=\r\n=\r\n', hello.slice(0, 4)],
  ['lines as MIME writes them', `${'AAEC'.repeat(19)}\r\nAAEC\r\n`, Array.from({ length: 60 }, (_, at) => at % 3)],
  ['a data URL head', 'data:image/png;base64,aGVsbG8=', hello],
  ['a data URL head with a parameter', 'data:image/png;name=a.png;base64,aGVsbG8=', hello],
  ['a data URL head without a type', 'data:;base64,aGVsbG8', hello],
  ['a data URL head in capitals behind blanks', ' \n\u0001DATA:image/png;BASE64,aGVsbG8=', hello],
  ['a data URL head with blanks in it', 'data: image/png ; base64 , aGVsbG8=', hello],
  ['a percent-encoded data URL', 'data:image/png;base64,aGVs%62G8%3D%0a', hello],
  ['a percent-encoded data URL in the standard alphabet', 'data:;base64,%2B%2F09', [251, 253, 61]],
  ['a data URL head and nothing after it', 'data:image/png;base64,', []],
])('base64 text with %s is decoded, however it is split', async (_, text, expected) => {
  expect(await oddSplits(encode(text), bytesOf, expected)).toEqual([])
})

test.each([
  ['a single character', 'a'],
  ['a single character after whole ones', 'aGVsb'],
  ['too little padding', 'aGVsbA='],
  ['too much padding', 'aGVsbG8=='],
  ['padding alone', '='],
  ['padding before the end', 'aGVsbA==aGVsbA=='],
  ['a character after the padding', 'aGVsbG8=A'],
  ['an exclamation mark at the end', 'aGVsbG8h!'],
  ['a byte that is no UTF-8', [...encode('aGVs'), 0xc3, ...encode('bG8=')]],
  ['a byte that is no UTF-8 at the end', [...encode('aGVs'), 0xc3]],
  ['a zero byte', 'aGVs\0bG8='],
  ['a data URL without a comma', 'data:image/png;base64'],
  ['a percent sign in a data URL', 'data:image/png;base64,aGVs%'],
  ['a wrong percent-encoding in a data URL', 'data:image/png;base64,aGVs%3gbG8='],
  ['a percent-encoding without a data URL', 'aGVsbG8%3D'],
  ['a second data URL head', 'data:image/png;base64,data:image/png;base64,aGVs'],
  ['an error page', '<html>Bad Gateway</html>'],
])('%s is no base64, however it is split', async (_, text) => {
  const bytes = typeof text === 'string' ? encode(text) : Uint8Array.from(text)
  expect(await oddSplits(bytes, bytesOf, 'SyntaxError')).toEqual([])
})

test('a wrong character is found at any place', async () => {
  const text = 'aGVs\nbG8gd29ybGQ='
  const accepted: string[] = []
  for (let at = 0; at <= text.length; at++) {
    for (const wrong of ['!', '.', 'é', '\u00a0', '"']) {
      const bytes = encode(text.slice(0, at) + wrong + text.slice(at))
      for (const chunks of [[bytes], pieces(bytes, 1), pieces(bytes, 7)]) {
        const outcome = await fate(bytesOf(passing(chunks)))
        if (outcome !== 'SyntaxError') accepted.push(`${wrong} at ${at}: ${String(outcome)}`)
      }
    }
  }
  expect(accepted).toEqual([])
})

test.each([
  ['a data URL head too long to be one', `data:image/png;x=${'y'.repeat(300)}`],
  ['a data URL in percent-encoding alone', 'data:text/plain,aGVsbG8='],
  ['a data URL of another encoding', 'data:image/svg+xml;utf8,<svg>'],
])('%s has no base64, however it is split', async (_, text) => {
  expect(await oddSplits(encode(text), bytesOf, 'BrokenDataUrl')).toEqual([])
})

test('a long picture is decoded byte for byte, in chunks of any size', async () => {
  const picture = crypto.getRandomValues(new Uint8Array(50_000))
  for (const size of [1000, 1001, 1002, 1003, 65_536, 131_072]) {
    const decoded = await collect(decodeBase64(passing(pieces(encode(picture.toBase64()), size))))
    expect(decoded.toBase64()).toBe(picture.toBase64())
  }
})

test('the length of bytes as base64 is known in advance', () => {
  const counts = Array.from({ length: 101 }, (_, count) => count)
  expect(counts.map(base64Length)).toEqual(counts.map((count) => new Uint8Array(count).toBase64().length))
})
