/** Streamed bytes. A chunk is valid until the next one is requested, because its memory is reused. */
export type Bytes = AsyncIterable<Uint8Array>

/** The size of reads. The runtime's default of 4 KiB costs several times as much for each byte. */
const CHUNK_BYTES = 128 * 1024

/** Reads a stream in large chunks through one buffer. Leaving the loop cancels the stream. */
export async function* readStream(stream: ReadableStream<Uint8Array>): Bytes {
  const reader = byteReader(stream)
  if (!reader) return yield* stream
  let buffer = new ArrayBuffer(CHUNK_BYTES)
  try {
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(buffer))
      if (done) return
      yield value
      buffer = value.buffer
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** A stream made by JavaScript may not be a byte stream, and has no such reader then. */
function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' })
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** An array as one chunk. */
export async function* oneChunk(bytes: Uint8Array): Bytes {
  yield bytes
}

/** Passes on up to `maxBytes`, then throws the error of `refuse`. */
export async function* capped(bytes: Bytes, maxBytes: number, refuse: () => Error): Bytes {
  let seen = 0
  for await (const chunk of bytes) {
    seen += chunk.length
    if (seen > maxBytes) throw refuse()
    yield chunk
  }
}

/** Reads all bytes into one array. Only for `capped` bytes. */
export async function collect(bytes: Bytes): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for await (const chunk of bytes) chunks.push(chunk.slice())
  return joined(chunks)
}

function joined(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only, another] = chunks
  if (only && !another) return only
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let end = 0
  for (const chunk of chunks) {
    whole.set(chunk, end)
    end += chunk.length
  }
  return whole
}

/** Reads all bytes as UTF-8, with byte order marks. Only for `capped` bytes. */
export async function readText(bytes: Bytes): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let all = ''
  for await (const chunk of bytes) all += decoder.decode(chunk, { stream: true })
  return all + decoder.decode()
}

/** Skips the blanks and control characters before a URL (WHATWG URL §4.4). */
export async function* withoutLeadingBlanks(bytes: Bytes): Bytes {
  let atStart = true
  for await (const chunk of bytes) {
    const from = atStart ? chunk.findIndex((byte) => byte > 0x20) : 0
    if (from === -1) continue
    atStart = false
    yield from === 0 ? chunk : chunk.subarray(from)
  }
}

/** Keeps up to `count` first bytes as they pass. */
export function keepingHead(bytes: Bytes, count: number): { head: () => Uint8Array; all: Bytes } {
  let head = new Uint8Array(0)
  async function* passing(): Bytes {
    for await (const chunk of bytes) {
      if (head.length < count) head = joined([head, chunk.slice(0, count - head.length)])
      yield chunk
    }
  }
  return { head: () => head, all: passing() }
}

/** Reads at least `count` first bytes, or all. `all` still yields them. */
export async function peek(bytes: Bytes, count: number): Promise<{ head: Uint8Array; all: Bytes }> {
  const source = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for (let length = 0; length < count;) {
    const { value, done } = await source.next()
    if (done) break
    chunks.push(value.slice())
    length += value.length
  }
  const head = joined(chunks)
  return { head, all: resume(head, source) }
}

async function* resume(head: Uint8Array, source: AsyncIterator<Uint8Array>): Bytes {
  try {
    if (head.length > 0) yield head
    for (;;) {
      const { value, done } = await source.next()
      if (done) return
      yield value
    }
  } finally {
    await source.return?.()
  }
}
