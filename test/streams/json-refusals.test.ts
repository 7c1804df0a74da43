import { expect, test } from 'vitest'
import type { Bytes } from '../../src/streams/bytes'
import { JsonStream } from '../../src/streams/json'
import { TooLong, UnexpectedEnd } from '../../src/streams/json-faults'
import { encode, fate, oddSplits, passing, pieces } from './splits'

/** Reads a text to its end; every string under `image` is taken and left unread. */
async function scan(bytes: Bytes): Promise<unknown> {
  const json = new JsonStream(bytes, (path) => path.includes('image'))
  for await (const _ of json.strings());
  return json.value()
}

test.each([
  ['{"a":1,"b":{"a":1},"a":1}', ['a']],
  ['{"tools":[{"type":"x"},{"type":"x","typ\\u0065":"y"}]}', ['tools', 1, 'type']],
  ['{"image":"x","image":"x"}', ['image']],
])('two equal keys of an object are refused where keys have to differ: %s', async (text, path) => {
  const json = new JsonStream(passing([encode(text)]), ([key]) => key === 'image', { isStrict: true })
  const read = async (): Promise<void> => {
    for await (const _ of json.strings());
  }
  await expect(read()).rejects.toMatchObject({ path })
})

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const keyed = (length: number): string => `{"${'k'.repeat(length)}":1}`

test('a text cut off at any place is refused', async () => {
  const text = encode('{"a":"b\\u00e9\\"é","image":["x\\/y\\u0041",{"c":[1,null]},"😀"],"d":{"e":-1.5e3}}')
  const accepted: string[] = []
  for (let cut = 0; cut < text.length; cut++) {
    for (const chunks of [[text.subarray(0, cut)], pieces(text.subarray(0, cut), 1)]) {
      const outcome = await fate(scan(passing(chunks)))
      if (outcome !== 'UnexpectedEnd' && outcome !== 'SyntaxError') accepted.push(`${cut}: ${JSON.stringify(outcome)}`)
    }
  }
  expect(accepted).toEqual([])
})

test.each([
  ['inside a taken string', '{"image":"abc'],
  ['inside a kept string', '{"a":"abc'],
  ['inside a key', '{"abc'],
  ['after an escape', '{"image":"abc\\'],
  ['between values', '{"a":1,'],
  ['inside a nested array', '{"a":[[1'],
])('a text that ends %s counts as cut off', async (_, text) => {
  expect(await oddSplits(encode(text), scan, 'UnexpectedEnd')).toEqual([])
})

test.each([
  ['nothing', ''],
  ['white space', ' \r\n '],
  ['a byte order mark alone', '\ufeff'],
  ['a part of a byte order mark', [0xef, 0xbb, ...encode('{}')]],
  ['two byte order marks', '\ufeff\ufeff{}'],
  ['a byte order mark behind a space', ' \ufeff{}'],
  ['HTML', '<!doctype html><title>502 {"a":1}</title>'],
  ['plain text', 'upstream timed out'],
  ['a string', '"{}"'],
  ['a number', '12'],
  ['null', 'null'],
  ['a value missing', '{"a":}'],
  ['a comma too many', '[1,]'],
  ['no comma', '{"a":1 "b":2}'],
  ['single quotes', "{'a':1}"],
  ['the wrong closing brackets', '{"a":[1}]'],
  ['an unknown escape in a kept string', '{"a":"\\x"}'],
  ['an unknown escape in a key', '{"\\x":1}'],
  ['an unknown escape in a taken string', '{"image":"ab\\xcd"}'],
  ['an unfinished escape in a taken string', '{"image":"ab\\u00"}'],
  ['a wrong hexadecimal escape in a taken string', '{"image":"\\u00zz12"}'],
  ['a raw line break in a kept string', '{"a":"b\nc"}'],
  ['two taken strings without a comma', '{"image":"a" "b"}'],
])('%s is no JSON', async (_, text) => {
  const bytes = typeof text === 'string' ? encode(text) : Uint8Array.from(text)
  expect(await oddSplits(bytes, scan, 'SyntaxError')).toEqual([])
})

test('a raw line break in a taken string has the same outcome, however the text is split', async () => {
  const text = encode('{"image":"a\\/b\nc\\/d\ne"}')
  expect(await oddSplits(text, scan, await fate(scan(passing([text]))))).toEqual([])
})

test('a kept string with broken UTF-8 reads as on the platform', async () => {
  const text = new Uint8Array([...encode('{"a":"cut '), 0xe2, 0x82, ...encode('","b":"'), 0xff, ...encode('c"}')])
  expect(await oddSplits(text, scan, await new Response(text).json())).toEqual([])
})

test('nesting may be 64 deep', async () => {
  expect(await fate(scan(passing([encode(nested(64))])))).toEqual(JSON.parse(nested(64)))
})

test('nesting of 65 is refused', async () => {
  expect(await oddSplits(encode(nested(65)), scan, 'SyntaxError')).toEqual([])
})

test('endless nesting is refused before its end', async () => {
  await expect(scan(passing([encode('['.repeat(100_000))]))).rejects.toBeInstanceOf(SyntaxError)
})

test('a key may have 1024 characters', async () => {
  expect(await fate(scan(passing([encode(keyed(1024))])))).toEqual({ ['k'.repeat(1024)]: 1 })
})

test('a key of more than 1024 characters is refused', async () => {
  expect(await oddSplits(encode(keyed(1025)), scan, 'SyntaxError')).toEqual([])
})

test('an endless key is refused before its end', async () => {
  await expect(scan(endless('{"', 'k'))).rejects.toBeInstanceOf(SyntaxError)
})

test.each([
  ['kept string', '{"a":"', 'x'],
  ['white space', '{', ' '],
  ['number', '[', '1'],
  ['list', '[1', ',1'],
  ['list of keys', '{"a":1', ',"b":2'],
])('an endless %s is refused before its end', async (_, start, again) => {
  await expect(scan(endless(start, again))).rejects.toBeInstanceOf(TooLong)
})

test('a failure of the bytes reaches the reader', async () => {
  async function* broken(): Bytes {
    yield encode('{"image":"abc')
    throw new RangeError('connection lost')
  }
  await expect(scan(broken())).rejects.toBeInstanceOf(RangeError)
})

test('a complete text is not refused as too long', async () => {
  await expect(scan(passing([encode('{"a":"')]))).rejects.toBeInstanceOf(UnexpectedEnd)
})

/** A text without an end. */
async function* endless(start: string, again: string): Bytes {
  yield encode(start)
  for (;;) yield encode(again.repeat(4096))
}

test.each([['{}'], ['}'], [' x'], ['\n,'], ['\f'], ['\0'], ['\ufeff']])(
  'more text (%j) is refused by a strict reader',
  async (more) => {
    const strict = async (bytes: Bytes): Promise<unknown> => {
      const json = new JsonStream(bytes, () => false, { isStrict: true })
      for await (const _ of json.strings());
      return json.value()
    }
    expect(await oddSplits(encode(`{"a":1}${more}`), strict, 'SyntaxError')).toEqual([])
    expect(await oddSplits(encode('{"a":1} \t\r\n'), strict, { a: 1 })).toEqual([])
  },
)

test.each([['{}'], ['}'], [' x'], ['\n']])('bytes after the text (%j) are not read', async (more) => {
  expect(await oddSplits(encode(`{"a":1}${more}`), scan, { a: 1 })).toEqual([])
})
