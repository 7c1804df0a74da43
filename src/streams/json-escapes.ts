import { Buffer } from 'node:buffer'
import type { Bytes } from './bytes'
import { latin1 } from './latin1'

export const BACKSLASH = 0x5c

/** Resolves the escapes of a string's raw bytes. Some encoders write each "/" of base64 as "\\/". */
export async function* unescapeJson(raw: Bytes): Bytes {
  let carry = ''
  for await (const chunk of raw) {
    if (carry === '' && !chunk.includes(BACKSLASH)) {
      yield chunk
      continue
    }
    const text = carry + latin1(chunk)
    const whole = text.length - (CUT_ESCAPE.exec(text)?.[1]?.length ?? 0)
    carry = text.slice(whole)
    yield Buffer.from(text.slice(0, whole).replaceAll(ESCAPES, decodeEscapes), 'latin1')
  }
  if (carry !== '') yield Buffer.from(decodeEscapes(carry), 'latin1')
}

/** Consecutive escapes, so that both halves of a surrogate pair are resolved together. */
const ESCAPES = /(?:\\(?:u.{4}|.))+/gs
const decodeEscapes = (escapes: string): string =>
  escapes === '\\/' ? '/' : Buffer.from(String(JSON.parse(`"${escapes}"`))).toString('latin1')

/** An escape, or a surrogate pair, that is cut by the end of the text. */
const CUT_ESCAPE = /(?<!\\)(?:\\\\)*(\\(?:u(?:.{0,3}|d[89ab]..(?:\\(?:u.{0,3})?)?))?)$/is
