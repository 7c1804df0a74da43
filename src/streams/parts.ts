import { base64Length, writeBase64 } from './base64'

/** A file within a body. It is read in its turn. */
export interface FilePart {
  /** Its size in bytes. */
  bytes: number
  open: () => Promise<ReadableStream<Uint8Array>>
  /** Whether the body has it as base64. */
  base64?: boolean
}

/** A body that is written while it is sent. */
export interface PartedBody {
  body: ReadableStream<Uint8Array>
  /** The error of a file that could not be opened. It aborts the body. */
  unopened: () => unknown
  /** The time of the last byte in ms since 1970. Undefined before. */
  sentMs: () => number | undefined
}

/** A body of texts and files, with a known length. No file is held in memory. */
export function partedBody(parts: readonly (string | FilePart)[]): PartedBody {
  const encoder = new TextEncoder()
  const encoded = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  const { readable, writable } = new FixedLengthStream(encoded.reduce((sum, part) => sum + sentLength(part), 0))
  let unopened: unknown
  let sentMs: number | undefined
  const open = (file: FilePart): Promise<ReadableStream<Uint8Array>> =>
    file.open().catch((error: unknown) => {
      unopened = error
      throw error
    })
  const write = async (): Promise<void> => {
    for (const part of encoded) {
      if (part instanceof Uint8Array) await writeTo(writable, (writer) => writer.write(part))
      else if (!part.base64) await (await open(part)).pipeTo(writable, { preventClose: true })
      else {
        const stream = await open(part)
        await writeTo(writable, (writer) => writeBase64(stream, writer))
      }
    }
    await writable.close()
    sentMs = Date.now()
  }
  write().catch((error: unknown) => writable.abort(error).catch(() => {}))
  return { body: readable, unopened: () => unopened, sentMs: () => sentMs }
}

function sentLength(part: Uint8Array | FilePart): number {
  if (part instanceof Uint8Array) return part.length
  return part.base64 ? base64Length(part.bytes) : part.bytes
}

async function writeTo(
  writable: WritableStream<Uint8Array>,
  write: (writer: WritableStreamDefaultWriter<Uint8Array>) => Promise<void>,
): Promise<void> {
  const writer = writable.getWriter()
  try {
    await write(writer)
  } finally {
    // A held lock would block the abort, and the reader would wait forever.
    writer.releaseLock()
  }
}
