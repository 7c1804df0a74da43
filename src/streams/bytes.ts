/** Bytes on their way through: a chunk is valid only until the next one is asked for, since its memory is used again. */
export type Bytes = AsyncIterable<Uint8Array>

/** Bytes in one piece of this size cross the runtime's boundary at a fraction of the cost of its 4 KiB default reads. */
const CHUNK_BYTES = 128 * 1024

/** Reads a stream in large chunks through one buffer; leaving the loop early cancels the stream. */
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

/** A stream made by JavaScript need not be a byte stream, and then has no such reader. */
function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' })
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** One array as passing bytes. */
export async function* oneChunk(bytes: Uint8Array): Bytes {
  yield bytes
}

/** Passes bytes on until there are more than `maxBytes` of them, then throws what `refuse` makes. */
export async function* capped(bytes: Bytes, maxBytes: number, refuse: () => Error): Bytes {
  let seen = 0
  for await (const chunk of bytes) {
    seen += chunk.length
    if (seen > maxBytes) throw refuse()
    yield chunk
  }
}

/** Reads everything into one array; only for bytes already `capped`. */
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

/** Reads everything as UTF-8 text, byte order marks included; only for bytes already `capped`. */
export async function readText(bytes: Bytes): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let all = ''
  for await (const chunk of bytes) all += decoder.decode(chunk, { stream: true })
  return all + decoder.decode()
}

/** Looks at the first bytes, at least `count` of them where there are so many, and leaves them in place. */
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
