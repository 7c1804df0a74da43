import { DeadlineExceeded, withDeadline } from './deadline'

/** The longest time in ms without progress of an upload, or of a client that reads an answer. */
export const STALL_MS = 60_000

/** A stream of bytes for a client. */
export interface ClientWriter {
  write(chunk: Uint8Array): Promise<void>
}

/** Breaks off writing to a client that stops reading: a write throws DeadlineExceeded. */
export const progressing = (writer: ClientWriter): ClientWriter => ({
  write: (chunk) => withDeadline(STALL_MS, () => writer.write(chunk)),
})

/** Waits for a read, and throws the error of `refuse` after a stall. */
export const unlessStalled = <T>(read: () => Promise<T>, refuse: () => Error): Promise<T> =>
  withDeadline(STALL_MS, read).catch((error: unknown) => {
    throw error instanceof DeadlineExceeded ? refuse() : error
  })

/** Passes bytes on as long as they make progress, and throws the error of `refuse` after a stall. */
export async function* arriving(
  bytes: AsyncIterable<Uint8Array>,
  refuse: () => Error,
): AsyncGenerator<Uint8Array, void> {
  const source = bytes[Symbol.asyncIterator]()
  let isStalled = false
  try {
    for (;;) {
      const next = await unlessStalled(
        () => source.next(),
        () => {
          isStalled = true
          return refuse()
        },
      )
      if (next.done) return
      yield next.value
    }
  } finally {
    // The end of a stalled source never comes.
    const closed = Promise.resolve(source.return?.()).catch(() => {})
    if (!isStalled) await closed
  }
}
