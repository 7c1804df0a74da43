/** A multiple of 3, so that pieces encoded one by one are the base64 of the whole. */
const PIECE_BYTES = 192 * 1024

/** The Images API's answer with a stored object as its picture, encoded while R2 sends it. */
export function answerWith(object: R2ObjectBody | null): Response {
  if (!object) return new Response('no such picture', { status: 404 })
  const encoder = new TextEncoder()
  const head = encoder.encode('{"created":1800000000,"data":[{"b64_json":"')
  const tail = encoder.encode('"}]}')
  const length = head.length + 4 * Math.ceil(object.size / 3) + tail.length
  const { readable, writable } = new FixedLengthStream(length)

  const write = async (): Promise<void> => {
    const reader = object.body.getReader({ mode: 'byob' })
    const writer = writable.getWriter()
    const text = new Uint8Array((PIECE_BYTES / 3) * 4)
    let buffer = new ArrayBuffer(PIECE_BYTES)
    await writer.write(head)
    for (;;) {
      const { value, done } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(buffer))
      if (value && value.length > 0) {
        const { written } = encoder.encodeInto(value.toBase64(), text)
        await writer.write(text.subarray(0, written))
      }
      if (done || !value) break
      buffer = value.buffer
    }
    await writer.write(tail)
    await writer.close()
  }
  write().catch((error: unknown) => writable.abort(error).catch(() => {}))
  return new Response(readable, { headers: { 'content-type': 'application/json' } })
}
