import { Buffer } from 'node:buffer'

/** The same memory as a Buffer. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** One character for each byte, so that offsets in the text are offsets in the bytes. */
export const latin1 = (bytes: Uint8Array): string => bufferOf(bytes).toString('latin1')
