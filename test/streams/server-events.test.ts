import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Bytes } from '../../src/streams/bytes'
import { JsonStream } from '../../src/streams/json'
import { EventStream } from '../../src/streams/server-events'
import { decodeAll, encode, fate, oddSplits, passing, pieces } from './splits'

/** Each event as its name and its data; null stands for a missing name. */
async function scan(bytes: Bytes): Promise<[string | null, string][]> {
  const events: [string | null, string][] = []
  for await (const { name, data } of new EventStream(bytes).events()) events.push([name ?? null, await decodeAll(data)])
  return events
}

test.each<[string, string, [string | null, string][]]>([
  ['nothing', '', []],
  ['an event', 'event: a\ndata: b\n\n', [['a', 'b']]],
  [
    'events',
    'event: a\ndata: b\n\nevent: c\ndata: d\n\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['an event without a name', 'data: b\n\n', [[null, 'b']]],
  [
    'an event with an empty name',
    'event:\ndata: b\n\nevent\ndata: c\n\n',
    [
      [null, 'b'],
      [null, 'c'],
    ],
  ],
  ['two names for an event', 'event: a\nevent: b\ndata: c\n\n', [['b', 'c']]],
  [
    'a name after its event',
    'data: a\nevent: b\n\ndata: c\n\n',
    [
      [null, 'a'],
      [null, 'c'],
    ],
  ],
  ['a name without data', 'event: a\n\ndata: b\n\n', [[null, 'b']]],
  ['no spaces after the colons', 'event:a\ndata:b\n\n', [['a', 'b']]],
  ['more spaces than one after the colons', 'event:  a \ndata:  b \n\n', [[' a ', ' b ']]],
  ['several lines of data', 'data: a\ndata: b\ndata: c\n\n', [[null, 'a\nb\nc']]],
  [
    'empty lines of data',
    'data\n\ndata:\ndata: \ndata\n\ndata:\n\n',
    [
      [null, ''],
      [null, '\n\n'],
      [null, ''],
    ],
  ],
  ['other lines between lines of data', 'data: a\nid: 7\n: no\nretry: 5\ndatax: no\ndata: b\n\n', [[null, 'a\nb']]],
  ['comments', ': hello\n\n:\n\ndata: a\n\n: data: b\n\n', [[null, 'a']]],
  ['unknown fields', 'id: 1\ndat: b\ndatum: b\nevents: b\nx\n\ndata: a\n\n', [[null, 'a']]],
  ['fields in other letters', 'Data: a\n DATA: b\n data: c\n\ndata: d\n\n', [[null, 'd']]],
  ['colons in values', 'event: a:b\ndata: {"a":":"}\n\n', [['a:b', '{"a":":"}']]],
  ['a byte order mark in front', '\ufeffdata: a\n\n\ufeffdata: b\n\n', [[null, 'a']]],
  ['UTF-8', 'event: schlüssel\ndata: é€😀\ndata: ß語\n\n', [['schlüssel', 'é€😀\nß語']]],
  [
    'CRLF',
    'event: a\r\ndata: b\r\ndata: c\r\n\r\ndata: d\r\n\r\n',
    [
      ['a', 'b\nc'],
      [null, 'd'],
    ],
  ],
  [
    'CR',
    '\r: x\revent: a\rdata: b\rdata: c\r\rdata: d\r\r',
    [
      ['a', 'b\nc'],
      [null, 'd'],
    ],
  ],
  [
    'all line ends in turn',
    'data: a\rdata: b\ndata: c\r\n\ndata: d\n\r\ndata: e\n\r',
    [
      [null, 'a\nb\nc'],
      [null, 'd'],
      [null, 'e'],
    ],
  ],
  [
    'no blank line at its end',
    'event: a\ndata: b\n\ndata: c\ndata: d',
    [
      ['a', 'b'],
      [null, 'c\nd'],
    ],
  ],
  ['an end in the middle of a field', 'data: a\n\nevent: b\ndat', [[null, 'a']]],
])('a stream with %s reads the same however it is split', async (_, text, events) => {
  expect(await oddSplits(encode(text), scan, events)).toEqual([])
})

test('names have at most 256 bytes, so that none is held for long', async () => {
  const text = encode(`event: ${'é'.repeat(300)}\ndata: a\n\n`)
  for (const size of [1, 7, 10_000]) expect(await scan(passing(pieces(text, size)))).toEqual([['é'.repeat(128), 'a']])
})

test('an event is reported when its data begins', async () => {
  let sent = ''
  async function* source(): Bytes {
    for (const chunk of ['event: a\nda', 'ta:', ' b', 'c\n', '\n']) {
      sent += chunk
      yield encode(chunk)
    }
  }
  for await (const { data } of new EventStream(source()).events()) {
    expect(sent).toBe('event: a\ndata:')
    const first = await data[Symbol.asyncIterator]().next()
    expect([first.value, sent]).toEqual([encode('b'), 'event: a\ndata: b'])
  }
})

test('an event that ends with its chunk is complete without a next one', async () => {
  async function* source(): Bytes {
    yield encode('data: a\r\r')
    await new Promise(() => {})
  }
  for await (const { data } of new EventStream(source()).events()) {
    expect(await decodeAll(data)).toBe('a')
    return
  }
})

const three = encode('event: a\ndata: first\ndata: more\n\nevent: b\ndata: second\n\ndata: third\n\n')

test.each([
  ['that is never read does', async () => {}],
  [
    'that is left in the middle does',
    async (data: Bytes) => {
      for await (const _ of data) break
    },
  ],
  ['that is left without a word does', async (data: Bytes) => void (await data[Symbol.asyncIterator]().next())],
])('data %s not hide the events after it', async (_, leave) => {
  const leaveFirst = async (bytes: Bytes): Promise<unknown> => {
    const read: [string | undefined, string][] = []
    for await (const { name, data } of new EventStream(bytes).events()) {
      if (name === 'a') await leave(data)
      else read.push([name, await decodeAll(data)])
    }
    return read
  }
  expect(
    await oddSplits(three, leaveFirst, [
      ['b', 'second'],
      [null, 'third'],
    ]),
  ).toEqual([])
})

test('JSON cut off with its event counts as cut off', async () => {
  const read = async (bytes: Bytes): Promise<unknown> => {
    for await (const { data } of new EventStream(bytes).events()) {
      const json = new JsonStream(data, (path) => path[0] === 'image')
      for await (const _ of json.strings());
      return json.value()
    }
  }
  const text = encode('event: a\r\ndata: {"image":"abc","a":1}\r\n')
  const whole = text.indexOf(0x7d) + 1
  const accepted: number[] = []
  for (let cut = text.indexOf(0x7b) + 1; cut < text.length; cut++)
    if ((await fate(read(passing([text.subarray(0, cut)])))) !== 'UnexpectedEnd') accepted.push(cut)
  expect(accepted).toEqual(Array.from({ length: text.length - whole }, (_, index) => whole + index))
})

test.each([
  ['one line', 1],
  ['many lines', 1000],
])('data of 8 MB in %s passes chunk by chunk, byte for byte', async (_, count) => {
  const line = encode('QUJD'.repeat(2_000_000 / count))
  const [sent, got] = [createHash('sha256'), createHash('sha256')]
  let pulled = 0
  async function* source(): Bytes {
    for (let number = 0; number < count; number++) {
      if (number > 0) sent.update('\n')
      sent.update(line)
      for (const chunk of [encode('data: '), ...pieces(line, 64 * 1024), encode('\r\n')]) {
        pulled += chunk.length
        yield chunk
      }
    }
    yield encode('\r\n')
  }
  let passed = 0
  for await (const { data } of new EventStream(source()).events()) {
    for await (const chunk of data) {
      got.update(chunk)
      passed += chunk.length
      expect(pulled - passed).toBeLessThan(128 * 1024)
    }
  }
  expect(got.digest('hex')).toBe(sent.digest('hex'))
})

test.each([
  ['comment', ': '],
  ['field', 'id: '],
  ['line without a field', ''],
  ['name', 'event: '],
])('a %s of 16 MB is skipped', async (_, start) => {
  async function* source(): Bytes {
    yield encode(start)
    for (let count = 0; count < 256; count++) yield encode('x'.repeat(64 * 1024))
    yield encode('\n\ndata: a\n\n')
  }
  expect(await scan(source())).toEqual([[null, 'a']])
})

test('leaving early cancels the source', async () => {
  let closed = false
  async function* source(): Bytes {
    try {
      yield three
      yield three
    } finally {
      closed = true
    }
  }
  for await (const _ of new EventStream(source()).events()) break
  expect(closed).toBe(true)
})

test('a failure of the bytes reaches the reader', async () => {
  async function* broken(): Bytes {
    yield encode('data: a')
    throw new RangeError('connection lost')
  }
  await expect(scan(broken())).rejects.toBeInstanceOf(RangeError)
})
