import { type Bytes, collect } from '../../src/streams/bytes'

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Decodes UTF-8 and nothing else: other bytes fail, and a byte order mark stays. */
export const decode = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

/** Reads everything as text, cut at places where `decode` alone would fail. */
export const decodeAll = async (bytes: Bytes): Promise<string> => decode(await collect(bytes))

/** Passes chunks on as `Bytes` documents it: through one buffer, overwritten for the next chunk. */
export async function* passing(chunks: Uint8Array[]): Bytes {
  const buffer = new Uint8Array(Math.max(0, ...chunks.map((chunk) => chunk.length)))
  for (const chunk of chunks) {
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(0x21)
  }
}

/** Pieces of a size each, the last one shorter. */
export function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

export interface Split {
  /** Names the split in a failed expectation. */
  how: string
  chunks: Uint8Array[]
}

/** One piece, two pieces at every place (with an empty first or last one), single bytes, and threes. */
export function splits(bytes: Uint8Array): Split[] {
  const halves = Array.from({ length: bytes.length + 1 }, (_, at) => ({
    how: `cut at ${at}`,
    chunks: [bytes.subarray(0, at), bytes.subarray(at)],
  }))
  return [
    { how: 'in one piece', chunks: [bytes] },
    ...halves,
    { how: 'byte by byte', chunks: pieces(bytes, 1) },
    { how: 'in threes', chunks: pieces(bytes, 3) },
  ]
}

/** The outcome of a call, a failure included, as data for comparisons. */
export async function fate<Value>(promise: Promise<Value>): Promise<Value | string> {
  try {
    return await promise
  } catch (error) {
    return error instanceof Error ? error.constructor.name : String(error)
  }
}

/** The first splits with an unexpected outcome, each with that outcome; an empty list is a pass. */
export async function oddSplits<Value>(
  bytes: Uint8Array,
  outcome: (passing: Bytes) => Promise<Value>,
  expected: unknown,
): Promise<string[]> {
  const odd: string[] = []
  for (const { how, chunks } of splits(bytes)) {
    const got = JSON.stringify(await fate(outcome(passing(chunks))))
    if (got !== JSON.stringify(expected)) odd.push(`${how}: ${got}`)
  }
  return odd.slice(0, 4)
}

/** A stream of JavaScript with plain chunks or bytes; it ends or fails. */
export function streamOf(
  chunks: Uint8Array[],
  { type, failure, cancel }: { type?: 'bytes' | undefined; failure?: Error; cancel?: () => void } = {},
): ReadableStream<Uint8Array> {
  const left = chunks.map((chunk) => chunk.slice())
  const pull = (controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>): void => {
    const chunk = left.shift()
    if (chunk) return controller.enqueue(chunk)
    if (failure) return controller.error(failure)
    controller.close()
    if ('byobRequest' in controller) controller.byobRequest?.respond(0)
  }
  const source = cancel ? { pull, cancel } : { pull }
  return type ? new ReadableStream({ type, ...source }) : new ReadableStream(source)
}
