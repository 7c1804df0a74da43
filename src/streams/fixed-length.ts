import type { Bytes } from './bytes'

/** A body of known length. A failure of the bytes aborts it. */
export function fixedLengthBody(bytes: Bytes, length: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(length)
  const writer = writable.getWriter()
  const write = async (): Promise<void> => {
    for await (const chunk of bytes) await writer.write(chunk)
    await writer.close()
  }
  write().catch((error: unknown) => writer.abort(error).catch(() => {}))
  return readable
}
