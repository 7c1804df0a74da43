import { Buffer } from 'node:buffer'
import { decodeBase64 } from './base64'
import type { Bytes } from './bytes'
import { bufferOf, latin1 } from './latin1'
import { Window } from './window'

/** One part of a form. Its bytes are read before the next part. */
export interface FormPart {
  name: string
  /** Undefined for a part that is no file. */
  filename: string | undefined
  bytes: Bytes
}

/** The body is not a multipart form. */
export class MalformedForm extends Error {
  constructor(reason: string) {
    super(`the multipart form ${reason}`)
  }
}

const MAX_PART_HEAD = 16 * 1024
/** The blanks behind a boundary, in bytes (RFC 2046 §5.1.1). */
const MAX_PADDING = 1024
const LF = 0x0a
const CRLF = Buffer.from('\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Whether a content type is that of a multipart form, with or without a boundary. */
export const isForm = (contentType: string | undefined): boolean =>
  /^multipart\/form-data\s*(?:;|$)/i.test(contentType ?? '')

/** The boundary in a content type. Undefined unless it is a multipart form (RFC 7578, RFC 2046 §5.1). */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*(?:;.*)?;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(
    contentType ?? '',
  )
  return match?.[1] ?? match?.[2]
}

/** Reads a multipart form as it streams. A part may have any size. */
export class MultipartStream {
  readonly #window: Window
  readonly #delimiter: Buffer
  /** Whether the window is inside a part's content. */
  #inBody = false

  constructor(bytes: Bytes, boundary: string) {
    this.#window = new Window(bytes)
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  /** The parts in order. Throws MalformedForm, or the errors of the bytes. */
  async *parts(): AsyncGenerator<FormPart, void> {
    try {
      await this.#expectOpening()
      while (await this.#partFollows()) {
        const { encoding, ...head } = headOf(await this.#head())
        this.#inBody = true
        yield { ...head, bytes: encoding === 'base64' ? decodeBase64(this.#body()) : this.#body() }
        for await (const _ of this.#body());
      }
    } finally {
      await this.#window.close()
    }
  }

  /** Skips the preamble. The first delimiter may lack its leading line break. */
  async #expectOpening(): Promise<void> {
    const opening = this.#delimiter.subarray(CRLF.length)
    await this.#need(opening.length)
    if (opening.equals(this.#window.view.subarray(0, opening.length))) return this.#window.skip(opening.length)
    this.#inBody = true
    for await (const _ of this.#body('does not hold its boundary'));
  }

  /** Blanks and a line break follow a delimiter before another part, and two dashes follow the last one. */
  async #partFollows(): Promise<boolean> {
    await this.#need(2)
    if (latin1(this.#window.view.subarray(0, 2)) === '--') return false
    let end: number
    while ((end = this.#window.view.indexOf(LF)) === -1 && this.#window.view.length <= MAX_PADDING)
      await this.#need(this.#window.view.length + 1)
    const padding = latin1(this.#window.view.subarray(0, Math.min(end + 1, MAX_PADDING)))
    if (/^[ \t]*\n$/.test(padding)) throw new MalformedForm('ends its lines with LF, where a form has CRLF')
    if (!/^[ \t]*\r\n$/.test(padding)) throw new MalformedForm('has a malformed boundary')
    this.#window.skip(end + 1)
    return true
  }

  /** The head of a part as text. */
  async #head(): Promise<string> {
    await this.#need(CRLF.length)
    if (CRLF.equals(this.#window.view.subarray(0, CRLF.length))) throw new MalformedForm('has a part without a head')
    let end: number
    while ((end = bufferOf(this.#window.view).indexOf(END_OF_HEAD)) === -1) {
      if (this.#window.view.length > MAX_PART_HEAD) throw new MalformedForm('has a part with a head that is too long')
      await this.#need(this.#window.view.length + 1)
    }
    if (end > MAX_PART_HEAD) throw new MalformedForm('has a part with a head that is too long')
    const head = new TextDecoder().decode(this.#window.view.subarray(0, end))
    this.#window.skip(end + END_OF_HEAD.length)
    return head
  }

  /** The remainder of a part's content, up to the next delimiter. */
  async *#body(unended = 'ends before its closing boundary'): Bytes {
    while (this.#inBody) {
      const view = this.#window.view
      const end = bufferOf(view).indexOf(this.#delimiter)
      if (end !== -1) {
        this.#window.skip(end + this.#delimiter.length)
        this.#inBody = false
        yield view.subarray(0, end)
        return
      }
      const certain = view.length - this.#delimiter.length
      if (certain > 0) {
        this.#window.skip(certain)
        yield view.subarray(0, certain)
      }
      await this.#need(this.#window.view.length + 1, unended)
    }
  }

  async #need(bytes: number, unended = 'ends before its closing boundary'): Promise<void> {
    while (this.#window.view.length < bytes) {
      if (!(await this.#window.more())) throw new MalformedForm(unended)
    }
  }
}

interface PartHead {
  name: string
  filename: string | undefined
  encoding: string
}

/** The facts in the head of a part. Throws MalformedForm. */
function headOf(head: string): PartHead {
  const headers = head.replaceAll(/\r\n(?=[ \t])/g, '')
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(headers)?.[1] ?? ''
  const parameters = parametersOf(disposition)
  const name = parameters.get('name')
  if (name === undefined) throw new MalformedForm('has a part without a name in its content-disposition')
  const encoding = /^content-transfer-encoding:\s*([\w-]+)/im.exec(headers)?.[1]?.toLowerCase() ?? 'binary'
  if (!PART_ENCODINGS.includes(encoding)) throw new MalformedForm(`has a part in ${encoding}, which is not read here`)
  return { name, filename: parameters.get('filename') ?? parameters.get('filename*'), encoding }
}

/** The encodings of a part that are read (RFC 2045 §6.1); forms of today have none (RFC 7578 §4.7). */
const PART_ENCODINGS = ['7bit', '8bit', 'binary', 'base64']

/** Values are quoted or bare. A quote in a value is escaped in one of two ways; older clients escape no backslash. */
const ESCAPED = /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*/g
const LITERAL = /;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;"]+))\s*/g

function parametersOf(disposition: string): ReadonlyMap<string, string> {
  const isEscaped = /^[;\s]*$/.test(disposition.replaceAll(ESCAPED, ''))
  const matches = disposition.matchAll(isEscaped ? ESCAPED : LITERAL)
  // The first of two equal names counts.
  return new Map(
    [...matches].toReversed().map(([, key = '', quoted, bare = '']) => {
      const value = isEscaped ? quoted?.replaceAll(/\\(["\\])/g, '$1') : quoted
      const decoded = (value ?? bare).replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n')
      return [key.toLowerCase(), decoded]
    }),
  )
}
