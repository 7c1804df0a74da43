import { describe, expect, test } from 'vitest'
import { UnusableMask, whiteMask } from '../../src/image/white-mask'
import { type Bytes, readStream } from '../../src/streams/bytes'
import { BLACK, pixelsOf, pngOf, type Samples, WHITE } from '../support/masks'
import { pngChunk } from '../support/png'

const whitened = (file: Uint8Array<ArrayBuffer>): ReturnType<typeof whiteMask> =>
  whiteMask(readStream(new Blob([file]).stream()))

/** A mix of all values, like noise. */
const noise = (x: number, y: number): number => (x * 97 + y * 61 + x * y * 13) % 256
const isTransparent = (x: number, y: number): boolean => noise(y, x) % 3 === 0

const RGBA: Samples = {
  width: 13,
  height: 9,
  depth: 8,
  colour: 6,
  pixel: (x, y) => [noise(x, y), noise(y, x), x, isTransparent(x, y) ? 0 : 255],
}

const paletted = (depth: number): Samples => ({
  ...RGBA,
  depth,
  colour: 3,
  pixel: (x, y) => [isTransparent(x, y) ? 1 : 0],
  before: [pngChunk('PLTE', Uint8Array.of(9, 9, 9, 5, 5, 5)), pngChunk('tRNS', Uint8Array.of(255, 0))],
})

describe('transparent pixels become white and the rest black, for a PNG', () => {
  test.each<[string, Samples]>([
    ['of colours with alpha', RGBA],
    ['of colours with alpha in 16 bits', { ...RGBA, depth: 16, pixel: (x, y) => RGBA.pixel(x, y).map((v) => v * 257) }],
    ['of grey with alpha', { ...RGBA, colour: 4, pixel: (x, y) => [noise(x, y), isTransparent(x, y) ? 0 : 255] }],
    [
      'of grey with alpha in 16 bits',
      { ...RGBA, colour: 4, depth: 16, pixel: (x, y) => [noise(x, y) * 200, isTransparent(x, y) ? 255 : 65_280] },
    ],
    ['with a palette in 1 bit', paletted(1)],
    ['with a palette in 2 bits', paletted(2)],
    ['with a palette in 4 bits', paletted(4)],
    ['with a palette in 8 bits', paletted(8)],
    ['with rows filtered by Sub', { ...RGBA, filters: [1] }],
    ['with rows filtered by Up', { ...RGBA, filters: [2] }],
    ['with rows filtered by Average', { ...RGBA, filters: [3] }],
    ['with rows filtered by Paeth', { ...RGBA, filters: [4] }],
    ['with a filter of its own in each row', { ...RGBA, filters: [4, 0, 3, 1, 2] }],
    ['in one piece, behind a text', { ...RGBA, pieceBytes: 1e6, before: [pngChunk('tEXt', new Uint8Array(200_000))] }],
  ])('%s', async (_, samples) => {
    const mask = await whitened(await pngOf(samples))
    const expected = Array.from({ length: 9 }, (__, y) =>
      Array.from({ length: 13 }, (___, x) => (isTransparent(x, y) ? WHITE : BLACK)),
    )
    expect(await pixelsOf(mask ?? new Uint8Array(0))).toEqual(expected)
  })
})

test('the result is greyscale, one byte per pixel', async () => {
  const mask = await whitened(await pngOf(RGBA))
  expect([...(mask?.subarray(16, 29) ?? [])]).toEqual([0, 0, 0, 13, 0, 0, 0, 9, 8, 0, 0, 0, 0])
})

test('the result has pure black and white alone', async () => {
  const alphas = [0, 1, 127, 128, 254, 255]
  const mask = await whitened(await pngOf({ ...RGBA, width: 6, height: 1, pixel: (x) => [9, 9, 9, alphas[x] ?? 0] }))
  expect(await pixelsOf(mask ?? new Uint8Array(0))).toEqual([[WHITE, WHITE, WHITE, BLACK, BLACK, BLACK]])
})

test.each<[string, Samples]>([
  ['has no alpha', { ...RGBA, colour: 2, pixel: () => [255, 255, 255] }],
  ['is greyscale', { ...RGBA, colour: 0, depth: 1, pixel: (x) => [x % 2] }],
  ['has an opaque alpha channel', { ...RGBA, pixel: (x) => [x, x, x, 255] }],
  [
    'has a palette without transparency',
    { ...paletted(8), before: [pngChunk('PLTE', Uint8Array.of(0, 0, 0, 255, 255, 255))] },
  ],
])('a mask that %s counts as black and white already', async (_, samples) => {
  expect(await whitened(await pngOf(samples))).toBeUndefined()
})

const headed = (width: number, height: number): Promise<Uint8Array<ArrayBuffer>> =>
  pngOf({ ...RGBA, width: 1, height: 1 }).then((file) => {
    const header = new DataView(file.buffer)
    header.setUint32(16, width)
    header.setUint32(20, height)
    return file
  })

describe('a mask is refused that', () => {
  test.each<[string, () => Promise<Uint8Array<ArrayBuffer>>, RegExp]>([
    ['has too many pixels', () => headed(4097, 4096), /more than 16777216 pixels/],
    ['has too long an edge', () => headed(16_385, 1), /an edge of more than 16384 pixels/],
    ['is interlaced', () => pngOf({ ...RGBA, isInterlaced: true }), /interlaced/],
    [
      'marks transparency by one colour',
      () => pngOf({ ...RGBA, colour: 2, pixel: () => [1, 2, 3], before: [pngChunk('tRNS', new Uint8Array(6))] }),
      /one of its colours stands for transparency/,
    ],
    ['has fewer rows than its header says', () => headed(1, 2), /no PNG that can be read/],
    ['is cut short', async () => (await pngOf(RGBA)).slice(0, 120), /no PNG that can be read/],
    ['has pixels that do not inflate', async () => (await pngOf(RGBA)).fill(7, 41, 60), /no PNG that can be read/],
    ['has an unknown filter', () => pngOf({ ...RGBA, filters: [5] }), /no PNG that can be read/],
    ['has no size', () => headed(0, 1), /no PNG that can be read/],
    ['is no PNG', async () => new Uint8Array(100), /no PNG that can be read/],
    ['is nothing', async () => new Uint8Array(0), /no PNG that can be read/],
  ])('%s', async (_, file, message) => {
    const made = whitened(await file())
    await expect(made).rejects.toBeInstanceOf(UnusableMask)
    await expect(made).rejects.toThrow(message)
  })
})

test.each([20, 100])('a file that breaks off after %i bytes by a failed read is not called unusable', async (after) => {
  const file = await pngOf(RGBA)
  async function* breaking(): Bytes {
    yield file.subarray(0, after)
    throw new Error('R2 is down')
  }
  await expect(whiteMask(breaking())).rejects.toThrow(/^R2 is down$/)
})

test('a mask of 4096x4096 pixels becomes white as well', async () => {
  const rows = new Uint8Array(4096 * 4 + 1)
  const { readable, writable } = new CompressionStream('deflate')
  const file = collectPng(readable)
  const writer = writable.getWriter()
  for (let row = 0; row < 4096; row++) await writer.write(rows)
  await writer.close()
  const mask = await whitened(await file)
  expect(mask?.length).toBeLessThan(100_000)
  expect(new DataView(mask?.buffer ?? new ArrayBuffer(24)).getUint32(16)).toBe(4096)
})

async function collectPng(pixels: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const data = new Uint8Array(await new Response(pixels).arrayBuffer())
  const head = (await headed(4096, 4096)).slice(0, 33)
  const chunks = [pngChunk('IDAT', data), pngChunk('IEND', new Uint8Array(0))]
  return new Uint8Array(await new Blob([head, ...chunks.map((chunk) => Uint8Array.from(chunk))]).arrayBuffer())
}
