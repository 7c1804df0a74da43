import { type Bytes, readStream } from '../streams/bytes'
import { Window } from '../streams/window'

/** The file is not a PNG, or not a whole one. */
export class UnreadablePng extends Error {}

/** The facts in a PNG's chunks before its pixels (PNG specification, §11). */
export interface PngHead {
  width: number
  height: number
  /** Bits in each sample. */
  depth: number
  /** 0 grey, 2 colours, 3 palette, 4 grey with alpha, 6 colours with alpha. */
  colour: number
  isInterlaced: boolean
  /** The chunk `tRNS`: in a palette, the alpha of its first entries. */
  transparency?: Uint8Array
}

/** The first bytes of every PNG. */
export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
/** The length of the chunk `IHDR`, in bytes. */
export const IHDR_BYTES = 13
const MAX_TRNS_BYTES = 256
/** Samples of a pixel, by colour type. */
const SAMPLES = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
])

/** Allowed bits of a sample, by colour type. */
const DEPTHS = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
])

/** Reads a PNG row by row and holds two rows at most. */
export class PngReader {
  readonly head: PngHead
  readonly #window: Window

  private constructor(head: PngHead, window: Window) {
    this.head = head
    this.#window = window
  }

  /** Reads the chunks before the pixels. Throws UnreadablePng, and the errors of the bytes. */
  static async open(bytes: Bytes): Promise<PngReader> {
    const window = new Window(bytes)
    try {
      return new PngReader(await readHead(window), window)
    } catch (error) {
      await window.close()
      throw error
    }
  }

  /** The rows of a picture without interlacing. A row is valid until the next one. Throws as `open` does. */
  async *rows(): AsyncGenerator<Uint8Array, void> {
    const { width, height, depth, colour } = this.head
    const bits = depth * (SAMPLES.get(colour) ?? 1)
    let [row, above] = [0, 0].map(() => new Uint8Array(1 + Math.ceil((width * bits) / 8)))
    let [count, filled] = [0, 0]
    for await (const chunk of inflated(this.#window)) {
      for (let at = 0; at < chunk.length && count < height && row && above;) {
        const piece = chunk.subarray(at, at + row.length - filled)
        row.set(piece, filled)
        at += piece.length
        filled += piece.length
        if (filled < row.length) break
        unfilter(row, above, Math.ceil(bits / 8))
        yield row.subarray(1)
        ;[row, above] = [above, row]
        ;[count, filled] = [count + 1, 0]
      }
      if (count === height) return
    }
    throw new UnreadablePng('it ends before its last row')
  }

  /** Closes the file before its end. */
  async close(): Promise<void> {
    await this.#window.close()
  }
}

async function readHead(window: Window): Promise<PngHead> {
  await requireBytes(window, SIGNATURE.length)
  if (!SIGNATURE.every((byte, at) => window.view[at] === byte)) throw new UnreadablePng('it is no PNG')
  window.skip(SIGNATURE.length)
  let head: PngHead | undefined
  for (;;) {
    const { type, length } = await chunkAhead(window)
    if (type === 'IDAT' && head) return head
    if (type === 'IDAT' || type === 'IEND') throw new UnreadablePng('it has no header or no pixels')
    window.skip(8)
    if (type === 'IHDR' && length === IHDR_BYTES) head = ihdr(await requireBytes(window, length))
    if (type === 'tRNS' && length <= MAX_TRNS_BYTES && head)
      head = { ...head, transparency: (await requireBytes(window, length)).slice(0, length) }
    await skipBytes(window, length + 4)
  }
}

function ihdr(bytes: Uint8Array): PngHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [width, height, depth, colour] = [view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)]
  if (width === 0 || height === 0 || !DEPTHS.get(colour)?.includes(depth))
    throw new UnreadablePng('its header is invalid')
  return { width, height, depth, colour, isInterlaced: view.getUint8(12) !== 0 }
}

/** The next chunk. It stays in view. */
async function chunkAhead(window: Window): Promise<{ type: string; length: number }> {
  const bytes = await requireBytes(window, 8)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { length: view.getUint32(0), type: String.fromCharCode(...bytes.subarray(4, 8)) }
}

async function requireBytes(window: Window, count: number): Promise<Uint8Array> {
  while (window.view.length < count) if (!(await window.more())) throw new UnreadablePng('it ends too soon')
  return window.view
}

async function skipBytes(window: Window, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    if (window.view.length === 0) await requireBytes(window, 1)
    const passed = Math.min(left, window.view.length)
    window.skip(passed)
    left -= passed
  }
}

/** The content of the pixel chunks, which form one compressed stream. */
async function* deflated(window: Window): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (;;) {
    const { type, length } = await chunkAhead(window)
    if (type !== 'IDAT') return
    window.skip(8)
    for (let left = length; left > 0;) {
      if (window.view.length === 0) await requireBytes(window, 1)
      const piece = window.view.slice(0, left)
      window.skip(piece.length)
      left -= piece.length
      yield piece
    }
    await skipBytes(window, 4)
  }
}

async function* inflated(window: Window): Bytes {
  const { readable, writable } = new DecompressionStream('deflate')
  const writer = writable.getWriter()
  const source = watched(deflated(window))
  const pump = async (): Promise<void> => {
    for await (const piece of source.bytes) await writer.write(piece)
    await writer.close()
  }
  const pumping = pump()
    .catch((error: unknown) => writer.abort(error))
    .catch(() => {})
  try {
    yield* readStream(readable)
  } catch (error) {
    await pumping
    // A failure of the source is not a fault of the file.
    throw source.failure() ?? new UnreadablePng('its pixels are corrupt', { cause: error })
  } finally {
    await pumping
    await window.close()
  }
}

/** The bytes, and the error that ended them. */
function watched(bytes: AsyncIterable<Uint8Array<ArrayBuffer>>): {
  bytes: AsyncIterable<Uint8Array<ArrayBuffer>>
  failure: () => unknown
} {
  let failure: unknown
  async function* watching(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    try {
      yield* bytes
    } catch (error) {
      failure = error
      throw error
    }
  }
  return { bytes: watching(), failure: () => failure }
}

/** Reverses the filter of a row (PNG specification, §9). */
function unfilter(row: Uint8Array, above: Uint8Array, step: number): void {
  const filter = row[0] ?? 0
  if (filter === 0) return
  if (filter > 4) throw new UnreadablePng('it has an unknown filter')
  for (let at = 1; at < row.length; at++) {
    const left = at > step ? (row[at - step] ?? 0) : 0
    const up = above[at] ?? 0
    const corner = at > step ? (above[at - step] ?? 0) : 0
    row[at] = (row[at] ?? 0) + predicted(filter, left, up, corner)
  }
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}
