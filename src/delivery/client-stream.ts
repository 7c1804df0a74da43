import { withDeadline } from '../runtime/deadline'
import { progressing, STALL_MS } from '../runtime/stall'

/** The slowest client of a piped stream, in bytes a second. */
const SLOWEST = 8 * 1024

/** The body of a response. `write` and `pipe` throw DeadlineExceeded for a client that stops reading. */
export class ClientStream {
  readonly #body: WritableStream<Uint8Array>
  #writer: WritableStreamDefaultWriter<Uint8Array>

  constructor(body: WritableStream<Uint8Array>) {
    this.#body = body
    this.#writer = body.getWriter()
  }

  write(chunk: Uint8Array): Promise<void> {
    return progressing(this.#writer).write(chunk)
  }

  /**
   * Passes on a stream of the platform with a known number of bytes. They do not pass through JavaScript, which sees no
   * progress. So the time for all of them is that of the slowest client.
   */
  async pipe(stream: ReadableStream<Uint8Array>, bytes: number): Promise<void> {
    this.#writer.releaseLock()
    await withDeadline(STALL_MS + (bytes / SLOWEST) * 1000, (signal) =>
      stream.pipeTo(this.#body, { preventClose: true, signal }),
    )
    this.#writer = this.#body.getWriter()
  }

  close(): Promise<void> {
    return this.#writer.close()
  }

  /** Cuts the connection. Never throws: a failed pipe has cut it already. */
  async abort(reason: unknown): Promise<void> {
    await this.#writer.abort(reason).catch(() => {})
  }
}
