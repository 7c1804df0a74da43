import type { FloorEnv } from './worker.ts'

/** R2's smallest part, which is also the gateway's. */
const PART_BYTES = 5 * 1024 * 1024
const READ_BYTES = 128 * 1024

/** The one buffer of all bytes here. */
let buffer = new ArrayBuffer(PART_BYTES)

/** Stores `pictures` of so many bytes and reads each once. These are the R2 calls of a miss. */
export async function storeAndRead(request: Request, env: FloorEnv): Promise<Response> {
  const { pictures, bytes } = await request.json<{ pictures: number; bytes: number }>()
  for (let index = 0; index < pictures; index++) {
    await putParts(env.IMAGES, `images/${index}`, bytes, (partBytes) => new Uint8Array(buffer, 0, partBytes))
  }
  for (let index = 0; index < pictures; index++) await drain(env.IMAGES, `images/${index}`)
  return Response.json({ pictures })
}

/** Takes a body of two files of equal size. It calls R2 for each as the gateway does for an input. */
export async function takeUpload(request: Request, env: FloorEnv): Promise<Response> {
  if (!request.body) return new Response('no body', { status: 400 })
  const reader = request.body.getReader({ mode: 'byob' })
  const bytes = Number(request.headers.get('content-length')) / 2
  const fill = async (partBytes: number): Promise<Uint8Array> => {
    const { value } = await reader.readAtLeast(partBytes, new Uint8Array(buffer, 0, partBytes))
    if (!value) throw new Error('the body ended early')
    buffer = value.buffer
    return value
  }
  for (const key of ['inputs/0', 'inputs/1']) {
    await putParts(env.IMAGES, `${key}-staged`, bytes, fill)
    const staged = await env.IMAGES.get(`${key}-staged`)
    await env.IMAGES.put(key, staged?.body ?? null)
    await env.IMAGES.delete(`${key}-staged`)
  }
  for (const key of ['inputs/0', 'inputs/1']) await drain(env.IMAGES, key)
  return Response.json({ bytes })
}

type Fill = (partBytes: number) => Uint8Array | Promise<Uint8Array>

async function putParts(bucket: R2Bucket, key: string, bytes: number, fill: Fill): Promise<void> {
  const target = await bucket.createMultipartUpload(key)
  const parts: R2UploadedPart[] = []
  for (let sent = 0; sent < bytes; sent += PART_BYTES) {
    parts.push(await target.uploadPart(parts.length + 1, await fill(Math.min(PART_BYTES, bytes - sent))))
  }
  await target.complete(parts)
}

async function drain(bucket: R2Bucket, key: string): Promise<void> {
  const object = await bucket.get(key)
  if (!object) throw new Error(`${key} is not in R2`)
  const reader = object.body.getReader({ mode: 'byob' })
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer, 0, READ_BYTES))
    if (value) buffer = value.buffer
    if (done) return
  }
}
