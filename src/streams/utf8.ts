import { isAscii } from 'node:buffer'
import type { Bytes } from './bytes'
import { latin1 } from './latin1'
import { Window } from './window'

/** A text is not UTF-8. */
export class NotUtf8 extends Error {
  constructor(options?: ErrorOptions) {
    super('the text is not UTF-8', options)
  }
}

/** Decodes streamed UTF-8 with its byte order marks. A strict one throws NotUtf8 at other bytes. */
export class Utf8Decoder {
  readonly #isStrict: boolean
  /** Made for the first bytes beyond ASCII: it costs more than a short text. */
  #decoder: TextDecoder | undefined
  /** Whether the last chunk may have ended within a character. */
  #isCut = false

  constructor({ isStrict }: { isStrict: boolean }) {
    this.#isStrict = isStrict
  }

  decode(chunk: Uint8Array): string {
    if (!this.#isCut && isAscii(chunk)) return latin1(chunk)
    if (chunk.length === 0) return ''
    this.#decoder ??= new TextDecoder('utf-8', { fatal: this.#isStrict, ignoreBOM: true })
    this.#isCut = (chunk.at(-1) ?? 0) > 0x7f
    try {
      return this.#decoder.decode(chunk, IN_STREAM)
    } catch (error) {
      throw new NotUtf8({ cause: error })
    }
  }

  /** Checks a chunk without the cost of its text. */
  check(chunk: Uint8Array): void {
    if (this.#isCut || !isAscii(chunk)) this.decode(chunk)
  }

  /** The end of the text. */
  end(): string {
    try {
      return this.#decoder?.decode() ?? ''
    } catch (error) {
      throw new NotUtf8({ cause: error })
    }
  }
}

const IN_STREAM = { stream: true }

/** Passes UTF-8 on unchanged. Throws NotUtf8 at other bytes. */
export async function* checkedUtf8(bytes: Bytes): Bytes {
  const decoder = new Utf8Decoder({ isStrict: true })
  for await (const chunk of bytes) {
    decoder.check(chunk)
    yield chunk
  }
  decoder.end()
}

/** The bytes behind a byte order mark. */
export async function* withoutByteOrderMark(bytes: Bytes): Bytes {
  const window = new Window(bytes)
  try {
    await window.skipByteOrderMark()
    do {
      const { view } = window
      window.skip(view.length)
      if (view.length > 0) yield view
    } while (await window.more())
  } finally {
    await window.close()
  }
}
