import { Buffer } from 'node:buffer'

/** A Buffer over the same memory. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** One character for each byte, so that offsets in text and bytes are equal. */
export const latin1 = (bytes: Uint8Array): string => bufferOf(bytes).toString('latin1')
