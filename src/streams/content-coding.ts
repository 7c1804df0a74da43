import { once } from 'node:events'
import { constants, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { type Bytes, peek } from './bytes'

/**
 * The content codings that the gateway decodes (RFC 9110 §8.4.1). Brotli is none of them: workerd's decoder does
 * not wait for the reader, and 100 bytes fill the memory.
 */
export const CODINGS = ['gzip', 'deflate', 'zstd'] as const
export type Coding = (typeof CODINGS)[number]

/** The bytes are not of their coding, or end too early. */
export class BrokenCoding extends Error {
  constructor(coding: Coding, options: ErrorOptions) {
    super(`the bytes are no ${coding}`, options)
  }
}

/** HTTP allows zstd a window of 8 MB (RFC 9659 §3). The decoder's own limit of 128 MB is all of an isolate. */
const MAX_WINDOW_LOG = 23

type Decoder = ReturnType<typeof createGunzip | typeof createZstdDecompress>

const DECODERS: Readonly<Record<Coding, (head: Uint8Array) => Decoder>> = {
  gzip: () => createGunzip(),
  deflate: (head) => (isZlib(head) ? createInflate() : createInflateRaw()),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } }),
}

/** Some clients send "deflate" without the header of zlib (RFC 9110 §8.4.1.2, RFC 1950 §2.2). */
const isZlib = ([method = 0, flags = 0]: Uint8Array): boolean =>
  (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0

/** Decodes bytes as their reader asks for them. Throws BrokenCoding, or the errors of the bytes. */
export async function* decoded(bytes: Bytes, coding: Coding): Bytes {
  const { head, all } = await peek(bytes, 2)
  const decoder = DECODERS[coding](head)
  const feeder = new Feeder(decoder)
  const fed = feeder.feed(all)
  try {
    for await (const chunk of decoder) yield chunk
    await fed
  } catch (error) {
    throw feeder.failure ?? new BrokenCoding(coding, { cause: error })
  } finally {
    decoder.destroy()
  }
}

/** Writes bytes to a decoder, each chunk after it has taken the one before. */
class Feeder {
  readonly #decoder: Decoder
  /** The error of the bytes. */
  failure: unknown

  constructor(decoder: Decoder) {
    this.#decoder = decoder
  }

  /** Never throws: the reader of the decoder meets the failure. */
  async feed(bytes: Bytes): Promise<void> {
    const decoder = this.#decoder
    const closed = once(decoder, 'close').catch(() => {})
    try {
      for await (const chunk of bytes) {
        // The next chunk reuses the memory of this one.
        const taken = new Promise<void>((resolve) => decoder.write(chunk.slice(), () => resolve()))
        await Promise.race([taken, closed])
        if (decoder.destroyed) return
      }
      decoder.end()
    } catch (error) {
      this.failure = error
      decoder.destroy(new Error('the bytes to decode failed', { cause: error }))
    }
  }
}
