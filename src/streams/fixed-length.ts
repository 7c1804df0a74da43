import type { Bytes } from './bytes'

/** Bytes as a body whose length is known beforehand, which breaks off where they do. */
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
