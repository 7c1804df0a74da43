import { type Bytes, withoutLeadingBlanks } from './bytes'
import { latin1 } from './latin1'

/** The longest head of a data URL. A longer one without a comma is not a data URL. */
const MAX_DATA_URL_HEAD = 256

/** The text is a data URL without base64. */
export class BrokenDataUrl extends SyntaxError {
  constructor() {
    super('the data URL has no base64')
  }
}

/**
 * Decodes streamed base64 in either alphabet, padded or not, as protobuf's JSON has it. White space is skipped. A data
 * URL is read as WHATWG Fetch §6 has it; some relays send one too (protocols §7.6). Throws SyntaxError at invalid
 * base64.
 */
export async function* decodeBase64(bytes: Bytes): Bytes {
  let decoded = new Uint8Array(0)
  let carry = ''
  let isDataUrl: boolean | undefined
  let padded = false
  for await (const chunk of withoutLeadingBlanks(bytes)) {
    let text = carry + latin1(chunk)
    if (isDataUrl === undefined) {
      const rest = behindHead(text)
      if (rest === undefined) {
        carry = text
        continue
      }
      isDataUrl = rest !== text
      text = rest
    }
    const cut = isDataUrl ? (/%[\da-f]?$/i.exec(text)?.[0] ?? '') : ''
    if (isDataUrl) text = percentDecoded(text.slice(0, text.length - cut.length))
    text = inStandardAlphabet(text)
    if (padded && /[^\t\n\f\r ]/.test(text)) throw new SyntaxError('the base64 text goes on after its padding')
    if (decoded.length < text.length) decoded = new Uint8Array(text.length)
    const { read, written } = decoded.setFromBase64(text, { lastChunkHandling: 'stop-before-partial' })
    padded ||= read === text.length && text.includes('=')
    carry = text.slice(read).replaceAll(/[\t\n\f\r ]/g, '') + cut
    if (written > 0) yield decoded.subarray(0, written)
  }
  const last = Uint8Array.fromBase64(carry)
  if (last.length > 0) yield last
}

/** The text behind the head of a data URL, or all of another text. Undefined before the end of the head. */
function behindHead(text: string): string | undefined {
  const scheme = text.slice(0, DATA_SCHEME.length).toLowerCase()
  if (!DATA_SCHEME.startsWith(scheme)) return text
  const comma = text.indexOf(',')
  if (comma === -1 && text.length < MAX_DATA_URL_HEAD) return undefined
  if (!/; *base64$/i.test(text.slice(0, comma).trim())) throw new BrokenDataUrl()
  return text.slice(comma + 1)
}

const DATA_SCHEME = 'data:'

const percentDecoded = (text: string): string =>
  text.includes('%')
    ? text.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text

/** The text with the two characters of the standard alphabet for those of the URL-safe one (RFC 4648 §5). */
function inStandardAlphabet(text: string): string {
  if (!text.includes('-') && !text.includes('_')) return text
  return text.replaceAll('-', '+').replaceAll('_', '/')
}

/** The length of the base64 for a number of bytes, with padding. */
export const base64Length = (bytes: number): number => 4 * Math.ceil(bytes / 3)

/** A multiple of 3, so that every piece but the last encodes without padding. */
const PIECE_BYTES = 96 * 1024

/** Encodes a stream in pieces through two reused buffers. */
export async function writeBase64(
  stream: ReadableStream<Uint8Array>,
  writer: Pick<WritableStreamDefaultWriter<Uint8Array>, 'write'>,
): Promise<void> {
  const reader = stream.getReader({ mode: 'byob' })
  const encoder = new TextEncoder()
  const encoded = new Uint8Array(base64Length(PIECE_BYTES))
  let buffer = new ArrayBuffer(PIECE_BYTES)
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(PIECE_BYTES, new Uint8Array(buffer))
      if (value && value.length > 0) {
        const { written } = encoder.encodeInto(value.toBase64(), encoded)
        await writer.write(encoded.subarray(0, written))
        buffer = value.buffer
      }
      if (done || !value || value.length < PIECE_BYTES) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
