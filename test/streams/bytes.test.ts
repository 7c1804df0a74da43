import { expect, test, vi } from 'vitest'
import { type Bytes, capped, collect, peek, readStream, readText } from '../../src/streams/bytes'
import { decode, decodeAll, encode, passing, pieces, splits, streamOf } from './splits'

/** Bytes that record their cancellation. */
function watched(chunks: string[]): { bytes: Bytes; closed: () => boolean } {
  let closed = false
  async function* source(): Bytes {
    try {
      yield* passing(chunks.map(encode))
    } finally {
      closed = true
    }
  }
  return { bytes: source(), closed: () => closed }
}

const kinds = [
  ['a byte stream', 'bytes'],
  ['a stream of chunks', undefined],
] as const

test.each(kinds)('%s is read whole', async (_, type) => {
  const picture = crypto.getRandomValues(new Uint8Array(50_000))
  const stream = streamOf(pieces(picture, 7001), { type })
  expect((await collect(readStream(stream))).toBase64()).toBe(picture.toBase64())
})

test.each(kinds)('leaving %s early cancels it', async (_, type) => {
  const cancel = vi.fn()
  for await (const _ of readStream(streamOf([encode('one'), encode('two'), encode('three')], { type, cancel }))) break
  expect(cancel).toHaveBeenCalled()
})

test.each(kinds)('%s that is empty reads as nothing', async (_, type) => {
  expect(await collect(readStream(streamOf([], { type })))).toHaveLength(0)
})

test.each(kinds)('a failure of %s reaches its reader', async (_, type) => {
  const stream = streamOf([encode('one')], { type, failure: new RangeError('connection lost') })
  await expect(collect(readStream(stream))).rejects.toThrow('connection lost')
})

test('a body of the runtime is read whole, even beyond the buffer', async () => {
  const picture = new Uint8Array(1_000_003).map((_, at) => at % 251)
  const { body } = new Response(picture)
  expect((await collect(readStream(body ?? new ReadableStream()))).toBase64()).toBe(picture.toBase64())
})

test('a stream with another reader cannot be read', async () => {
  const stream = streamOf([encode('one')], { type: 'bytes' })
  stream.getReader()
  await expect(collect(readStream(stream))).rejects.toBeInstanceOf(TypeError)
})

test.each([
  [5, 'hello'],
  [6, 'hello'],
  [0, ''],
])('a cap of %i bytes lets %j pass', async (maxBytes, all) => {
  const bytes = passing(pieces(encode(all), 2))
  expect(await decodeAll(capped(bytes, maxBytes, () => new RangeError('too long')))).toBe(all)
})

test('one byte above the cap is refused, and the rest is cancelled', async () => {
  const { bytes, closed } = watched(['hel', 'lo', 'and more'])
  await expect(collect(capped(bytes, 4, () => new RangeError('too long')))).rejects.toBeInstanceOf(RangeError)
  expect(closed()).toBe(true)
})

test('text is read across a cut within a character', async () => {
  const words = 'é€😀 ß語'
  for (const { how, chunks } of splits(encode(words))) expect(await readText(passing(chunks)), how).toBe(words)
})

test('a zero-width no-break space within a text stays, however the text is split', async () => {
  const words = 'no\ufeffbreak'
  for (const { how, chunks } of splits(encode(words))) expect(await readText(passing(chunks)), how).toBe(words)
})

test('text that ends in the middle of a character fails', async () => {
  expect(await readText(passing([encode('é').subarray(0, 1)]))).toBe('\ufffd')
})

test('a peek at the first bytes leaves them in place, however they are split', async () => {
  const bytes = encode('data:image/png')
  for (const { how, chunks } of splits(bytes)) {
    const { head, all } = await peek(passing(chunks), 5)
    expect(decode(head), how).toMatch(/^data:/)
    expect(await decodeAll(all), how).toBe('data:image/png')
  }
})

test.each(['', 'dat'])('a peek at more bytes than %j has shows them all', async (all) => {
  const { head } = await peek(passing(pieces(encode(all), 1)), 5)
  expect(decode(head)).toBe(all)
})

test('the peeked bytes stay unchanged while the rest is read', async () => {
  const { head, all } = await peek(passing([encode('data:'), encode('image')]), 5)
  await collect(all)
  expect(decode(head)).toBe('data:')
})

test('leaving early after a peek cancels the source', async () => {
  const { bytes, closed } = watched(['data:', 'image', '/png'])
  const { all } = await peek(bytes, 5)
  for await (const _ of all) break
  expect(closed()).toBe(true)
})
