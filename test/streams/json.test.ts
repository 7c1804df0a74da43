import { expect, test } from 'vitest'
import { type Bytes, collect } from '../../src/streams/bytes'
import { JsonStream, type Path } from '../../src/streams/json'
import { decodeAll, encode, oddSplits, passing, splits } from './splits'

/** Takes every string at or under a key `image`. */
const take = (path: Path): boolean => path.includes('image')

async function scan(bytes: Bytes): Promise<{ strings: [Path, string][]; value: unknown }> {
  const json = new JsonStream(bytes, take)
  const strings: [Path, string][] = []
  for await (const taken of json.strings()) strings.push([taken.path, await decodeAll(taken.bytes)])
  return { strings, value: json.value() }
}

/** The expected result of `scan`, by JSON.parse, for texts without duplicate or numeric keys, which it reorders. */
function parsed(text: string): { strings: [Path, string][]; value: unknown } {
  const strings: [Path, string][] = []
  const replaced = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return take(path) ? String(strings.push([path, value]) - 1) : value
    if (Array.isArray(value)) return value.map((each, index) => replaced(each, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, [...path, key])]))
  }
  const value = replaced(JSON.parse(text), [])
  return { strings, value }
}

const texts: [string, string][] = [
  ['an empty object', '{}'],
  ['an empty array', '[]'],
  ['a kept string', '{"a":"b"}'],
  ['a taken string', '{"image":"aGVsbG8="}'],
  ['empty strings and an empty key', '{"":"","image":"","x":["",""]}'],
  ['taken strings at several paths', '{"image":"a","n":1,"x":{"image":["b",{"deep":"c"}]},"y":[{"image":"d"},"e"]}'],
  ['a root array', '[{"image":"a"},"b",["c",{"image":"d"}],[[]]]'],
  ['numbers, truth values and null', '{"a":-1.5e+10,"b":true,"c":false,"d":null,"image":"x","e":[0,null,true]}'],
  ['taking only strings', '{"image":[1,null,{},[],"x",true]}'],
  ['white space everywhere', ' \r\n\t{ "image" \n:\t"x y" , "a" : [ 1 , "b" ,{ } ] , "c" : { "d" : "e" } } \n '],
  ['structure inside strings', '{"a":"{[:,]}\\"","image":"}],:{[\\"","b,:{":"c","d":["],[","}"]}'],
  ['strings that look like keys', '{"a":"image","b":["image","x"],"image":"image","c":{"d":"image"}}'],
  ['escapes in keys', '{"im\\u0061ge":"a","\\"":"b","\\\\":"c","x\\/y":{"image":"d"},"\\ud83d\\ude00":"e"}'],
  [
    'escapes in kept strings',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9","b":"\\\\","c":"\\\\\\"","d":"\\\\\\\\"}',
  ],
  [
    'escapes in taken strings',
    '{"image":["\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9","\\\\","\\\\\\"","\\\\\\\\","\\u005c\\u0022"]}',
  ],
  ['base64 with every slash escaped', '{"image":"\\/9j\\/4AAQ\\/\\/Skl\\/+\\/8=","a":"\\/"}'],
  ['surrogate pairs in kept strings', '{"a":"\\ud83d\\ude00 \\uD83D\\uDE00","b":"😀"}'],
  ['an escaped surrogate pair in a taken string', '{"image":"x\\ud83d\\ude00y","a":"b"}'],
  ['UTF-8 in kept strings and keys', '{"schlüssel":"é€😀","日本":["ß","語"]}'],
  ['UTF-8 in taken strings', '{"é":"ß","image":"é€😀ß語"}'],
  ['UTF-8 beside escapes in taken strings', '{"image":"https:\\/\\/example.com\\/é€😀\\/ß.png"}'],
  ['UTF-8 before the first escape of a taken string', '{"image":"é€😀\\/"}'],
  ['a byte order mark in a kept string', '{"a":"\ufeffb","c":["\ufeff","\\n\ufeff"]}'],
  ['a byte order mark in a key', '{"\ufeffa":"b"}'],
  ['a byte order mark in a taken string', '{"image":["\ufeffa","\ufeff\\n","\\n\ufeff"]}'],
]

test.each(texts)('a JSON text with %s reads as JSON.parse reads it, however it is split', async (_, text) => {
  expect(await oddSplits(encode(text), scan, parsed(text))).toEqual([])
})

test('a byte order mark before a JSON text is skipped, however it is split', async () => {
  const text = '{"image":"aGVsbG8=","a":"b"}'
  expect(await oddSplits(encode(`\ufeff${text}`), scan, parsed(text))).toEqual([])
})

test('a whole text of two bytes is read before its sender closes the connection', async () => {
  const held = async function* (): Bytes {
    yield encode('{}')
    await new Promise(() => {})
  }
  expect(await scan(held())).toEqual({ strings: [], value: {} })
})

test('of duplicate keys, each string is taken and the last one stands', async () => {
  const expected = {
    strings: [
      [['image'], 'a'],
      [['image'], 'b'],
    ],
    value: { image: '1', x: 2 },
  }
  expect(await oddSplits(encode('{"image":"a","x":1,"image":"b","x":2}'), scan, expected)).toEqual([])
})

test('strings under numeric keys are taken in the order of the text', async () => {
  const expected = {
    strings: [
      [['image', '2'], 'a'],
      [['image', '1'], 'b'],
    ],
    value: { image: { '1': '1', '2': '0' } },
  }
  expect(await oddSplits(encode('{"image":{"2":"a","1":"b"}}'), scan, expected)).toEqual([])
})

const three = encode('{"image":["first \\/ {\\"","second","}],"],"a":1}')

test('an unread string does not hide those after it', async () => {
  const skipFirst = async (bytes: Bytes): Promise<unknown> => {
    const json = new JsonStream(bytes, take)
    const read: string[] = []
    for await (const { path, bytes } of json.strings()) if (path[1] !== 0) read.push(await decodeAll(bytes))
    return [read, json.value()]
  }
  expect(await oddSplits(three, skipFirst, [['second', '}],'], { image: ['0', '1', '2'], a: 1 }])).toEqual([])
})

test('a partly read string does not hide those after it', async () => {
  const leaveFirst = async (bytes: Bytes): Promise<unknown> => {
    const json = new JsonStream(bytes, take)
    const read: string[] = []
    for await (const { path, bytes } of json.strings()) {
      if (path[1] !== 0) read.push(await decodeAll(bytes))
      else for await (const _ of bytes) break
    }
    return [read, json.value()]
  }
  expect(await oddSplits(three, leaveFirst, [['second', '}],'], { image: ['0', '1', '2'], a: 1 }])).toEqual([])
})

test('a string left in the middle of an escape does not hide those after it', async () => {
  const leaveFirst = async (bytes: Bytes): Promise<unknown> => {
    const json = new JsonStream(bytes, take)
    for await (const { path, bytes } of json.strings()) if (path[1] === 0) for await (const _ of bytes) break
    return json.value()
  }
  const text = encode('{"image":["a\\\\x","b"]}')
  expect(await oddSplits(text, leaveFirst, { image: ['0', '1'] })).toEqual([])
})

test('a taken string may be longer than the limit of the rest', async () => {
  const picture = 'QUJD'.repeat(1024 * 1024)
  const json = new JsonStream(passing([encode(`{"image":"${picture}`), encode('","a":"b"}')]), take)
  for await (const { bytes } of json.strings()) expect((await collect(bytes)).length).toBe(picture.length)
  expect(json.value()).toEqual({ image: '0', a: 'b' })
})

test('leaving early cancels the source', async () => {
  let closed = false
  async function* source(): Bytes {
    try {
      yield encode('{"image":"a",')
      yield encode('"b":1}')
    } finally {
      closed = true
    }
  }
  for await (const _ of new JsonStream(source(), take).strings()) break
  expect(closed).toBe(true)
})

test('a dropped value is empty in the result, at any length, however the text is split', async () => {
  const text = '{"a":1,"x":[{"b":"]"},[1],{"x":{}}],"c":[{"x":{"é":2}},3],"image":"data","x":{}}'
  for (const { how, chunks } of splits(encode(text))) {
    const json = new JsonStream(passing(chunks), take, { drop: (path) => path.at(-1) === 'x' })
    const strings: string[] = []
    for await (const { bytes } of json.strings()) strings.push(await decodeAll(bytes))
    expect([how, strings, json.value()]).toEqual([how, ['data'], { a: 1, x: {}, c: [{ x: {} }, 3], image: '0' }])
  }
  const long = new JsonStream(passing([encode(`{"x":[${'1,'.repeat(600_000)}1],"a":1}`)]), take, {
    drop: ([key]) => key === 'x',
  })
  expect(await Array.fromAsync(long.strings())).toEqual([])
  expect(long.value()).toEqual({ x: [], a: 1 })
})

test('the text before a taken string is readable while that string passes', async () => {
  const json = new JsonStream(passing([encode('{"a":["é",{"b":true,"image":"x","c":1}],"image":"y","d":2}')]), take)
  const seen: unknown[] = []
  for await (const { bytes } of json.strings()) {
    seen.push(json.soFar())
    await decodeAll(bytes)
    expect(json.soFar()).toEqual(seen.at(-1))
  }
  expect(seen).toEqual([{ a: ['é', { b: true, image: '' }] }, { a: ['é', { b: true, image: '0', c: 1 }], image: '' }])
})
