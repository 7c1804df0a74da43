import { answerWith } from './base64.ts'
import type { FloorEnv } from './worker.ts'

const READ_BYTES = 128 * 1024
const BEFORE_PICTURE = '"b64_json":"'

/** Requests one picture from the upstream, decodes it as it comes, stores it, and answers with it from the store. */
export async function miss(request: Request, env: FloorEnv): Promise<Response> {
  const response = await fetch(`${env.UPSTREAM_URL}/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: await request.text(),
  })
  if (!response.body) return new Response('no answer from upstream', { status: 502 })
  const room = Math.ceil((Number(response.headers.get('content-length')) / 4) * 3)
  const key = `images/${crypto.randomUUID()}`
  await env.IMAGES.put(key, await decodePicture(response.body, room))
  return answerWith(await env.IMAGES.get(key))
}

/** The bytes of the one picture in an answer that holds at most `room` of them. */
async function decodePicture(body: ReadableStream<Uint8Array>, room: number): Promise<Uint8Array> {
  const reader = body.getReader({ mode: 'byob' })
  const decoder = new TextDecoder()
  const picture = new Uint8Array(room)
  let buffer = new ArrayBuffer(READ_BYTES)
  let carry = ''
  let begun = false
  let ended = false
  let bytes = 0
  for (;;) {
    const { value, done } = await reader.readAtLeast(READ_BYTES, new Uint8Array(buffer))
    if (!value) break
    let text = carry + decoder.decode(value)
    if (!begun) {
      text = text.slice(text.indexOf(BEFORE_PICTURE) + BEFORE_PICTURE.length)
      begun = true
    }
    const quote = text.indexOf('"')
    if (!ended) {
      const piece = quote === -1 ? text : text.slice(0, quote)
      const { read, written } = picture.subarray(bytes).setFromBase64(piece, {
        lastChunkHandling: quote === -1 ? 'stop-before-partial' : 'loose',
      })
      carry = piece.slice(read)
      bytes += written
      ended = quote !== -1
    }
    if (done) break
    buffer = value.buffer
  }
  return picture.subarray(0, bytes)
}
