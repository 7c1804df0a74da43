import { Buffer } from 'node:buffer'
import type { Bytes } from './bytes'
import { bufferOf, latin1 } from './latin1'

const BACKSLASH = 0x5c
export const QUOTE = 0x22

/** The end of the string in the view, or -1. `escaped` tells whether the byte before the end opens an escape. */
export function closingQuote(view: Uint8Array, escaped: boolean): { at: number; escaped: boolean } {
  if (view.length === 0) return { at: -1, escaped }
  let from = escaped ? 1 : 0
  let quote = view.indexOf(QUOTE, from)
  for (;;) {
    const slash = view.subarray(0, quote === -1 ? view.length : quote).indexOf(BACKSLASH, from)
    if (slash === -1) return { at: quote, escaped: false }
    from = slash + 2
    if (from > view.length) return { at: -1, escaped: true }
    if (quote !== -1 && quote < from) quote = view.indexOf(QUOTE, from)
  }
}

/** Puts `\ufffd` in place of each escaped half of a surrogate pair. Many readers refuse such a text. */
export async function* wellFormedEscapes(json: Bytes): Bytes {
  let carry = ''
  for await (const chunk of json) {
    if (carry === '' && !bufferOf(chunk).includes('\\u') && chunk.at(-1) !== BACKSLASH) {
      yield chunk
      continue
    }
    const text = carry + latin1(chunk)
    const whole = text.length - (CUT_ESCAPE.exec(text)?.[1]?.length ?? 0)
    carry = text.slice(whole)
    yield Buffer.from(text.slice(0, whole).replaceAll(ESCAPE_OR_HALF, withoutHalf), 'latin1')
  }
  if (carry !== '') yield Buffer.from(carry, 'latin1')
}

/** A surrogate pair, half of one, or another escape. */
const ESCAPE_OR_HALF = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(\\u[dD][89a-fA-F][\da-fA-F]{2})|\\./gs
const withoutHalf = (escape: string, half: string | undefined): string => (half ? String.raw`\ufffd` : escape)

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
