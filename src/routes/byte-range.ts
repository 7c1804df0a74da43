/** A part of a body, in bytes. */
export interface ByteRange {
  offset: number
  length: number
}

/**
 * Reads a Range header (RFC 9110 §14.1.2) for a body of `size` bytes.
 * Undefined means the whole body: there is no range, several, one in other units, or an invalid one.
 */
export function byteRangeOf(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (!first && !last)) return undefined
  if (first && last && Number(last) < Number(first)) return undefined
  const offset = first ? Number(first) : Math.max(0, size - Number(last))
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1
  return offset > end ? 'unsatisfiable' : { offset, length: end - offset + 1 }
}
