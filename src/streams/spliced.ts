import type { Bytes } from './bytes'

/** A span of bytes. `to` is behind the last one. */
export interface ByteSpan {
  from: number
  to: number
}

/** Replaces a span of bytes by other bytes. */
export async function* spliced(bytes: Bytes, { from, to }: ByteSpan, others: Uint8Array): Bytes {
  let at = 0
  let isDone = false
  for await (const chunk of bytes) {
    const within = (offset: number): number => Math.min(Math.max(offset - at, 0), chunk.length)
    const before = chunk.subarray(0, within(from))
    const after = chunk.subarray(within(to))
    at += chunk.length
    if (before.length > 0) yield before
    if (!isDone && at >= from) {
      isDone = true
      yield others
    }
    if (after.length > 0) yield after
  }
}

/** Puts a field and its comma before the others of a JSON object. */
export async function* withField(bytes: Bytes, field: Uint8Array): Bytes {
  let isDone = false
  for await (const chunk of bytes) {
    const brace = isDone ? -1 : chunk.indexOf(FIRST_BRACE)
    if (brace === -1) {
      yield chunk
      continue
    }
    isDone = true
    yield chunk.subarray(0, brace + 1)
    yield field
    yield chunk.subarray(brace + 1)
  }
}

const FIRST_BRACE = 0x7b
