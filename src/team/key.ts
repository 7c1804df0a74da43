import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'

/** What is kept of a key, and compared: of equal length for all, so that not even the length of a key shows. */
export const keyHash = (key: string): Buffer => createHash('sha256').update(key).digest()
