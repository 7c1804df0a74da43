import type { Rendered } from '../dialects/dialect'
import type { StoredImage } from '../image/record'
import { describe, log } from '../log'
import * as images from '../store/images'
import { base64Length } from '../streams/base64'

/** A multiple of 3, so that every piece but the last encodes without padding. */
const PIECE_BYTES = 96 * 1024

/**
 * An answer in one response, its length known beforehand and its pictures encoded from R2 as it is sent. Undefined where
 * the first picture is no longer in R2; `onMissing` is told of any other that is not, when the answer breaks off there.
 */
export async function whole(
  rendered: Rendered,
  bucket: R2Bucket,
  told: Record<string, string>,
  onMissing: (key: string) => Promise<void>,
): Promise<Response | undefined> {
  const headers = { ...told, 'content-type': rendered.contentType }
  const firstImage = rendered.parts.find((part) => typeof part !== 'string')
  if (!firstImage) return new Response(rendered.parts.filter((part) => typeof part === 'string').join(''), { headers })

  const first = await images.open(bucket, firstImage.key)
  if (!first) return undefined
  const encoder = new TextEncoder()
  const parts = rendered.parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  const length = parts.reduce(
    (sum, part) => sum + (part instanceof Uint8Array ? part.length : base64Length(part.bytes)),
    0,
  )
  const { readable, writable } = new FixedLengthStream(length)
  const open = async (image: StoredImage): Promise<R2ObjectBody> => {
    const object = image === firstImage ? first : await images.open(bucket, image.key)
    if (object) return object
    await onMissing(image.key)
    throw new Error(`the image ${image.key} is not in R2`)
  }
  write(parts, writable.getWriter(), open)
  return new Response(readable, { headers })
}

type Writer = WritableStreamDefaultWriter<Uint8Array>

/** A picture that fails on the way leaves nothing to do but to break off: the status has been sent. */
function write(
  parts: (Uint8Array | StoredImage)[],
  writer: Writer,
  open: (image: StoredImage) => Promise<R2ObjectBody>,
): void {
  const writeAll = async (): Promise<void> => {
    for (const part of parts) {
      if (part instanceof Uint8Array) {
        await writer.write(part)
        continue
      }
      const object = await open(part)
      await writeBase64(object.body, writer)
    }
    await writer.close()
  }
  writeAll().catch(async (error: unknown) => {
    log('answer-broken-off', describe(error))
    await writer.abort(error).catch(() => {})
  })
}

/** Encodes a stream piece by piece through two buffers that are used again for each. */
async function writeBase64(stream: ReadableStream<Uint8Array>, writer: Writer): Promise<void> {
  const reader = stream.getReader({ mode: 'byob' })
  const encoder = new TextEncoder()
  const encoded = new Uint8Array(base64Length(PIECE_BYTES))
  let buffer = new ArrayBuffer(PIECE_BYTES)
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(buffer))
      if (value && value.length > 0) {
        const { written } = encoder.encodeInto(value.toBase64(), encoded)
        await writer.write(encoded.subarray(0, written))
        buffer = value.buffer
      }
      if (done || !value || value.length < PIECE_BYTES) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
