import { Buffer } from 'node:buffer'
import type { Bytes } from './bytes'
import { bufferOf, latin1 } from './latin1'
import { Window } from './window'

/** One part of a form. Its bytes are read before the next part. */
export interface FormPart {
  name: string
  bytes: Bytes
}

/** The body is not a multipart form. */
export class MalformedForm extends Error {
  constructor(reason: string) {
    super(`the multipart form ${reason}`)
  }
}

const MAX_PART_HEAD = 16 * 1024
const CRLF = Buffer.from('\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

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
        const name = await this.#head()
        this.#inBody = true
        yield { name, bytes: this.#body() }
        for await (const _ of this.#body());
      }
    } finally {
      await this.#window.close()
    }
  }

  /** The first delimiter may lack its leading line break. */
  async #expectOpening(): Promise<void> {
    await this.#need(CRLF.length)
    if (CRLF.equals(this.#window.view.subarray(0, CRLF.length))) this.#window.skip(CRLF.length)
    const opening = this.#delimiter.subarray(CRLF.length)
    await this.#need(opening.length)
    if (!opening.equals(this.#window.view.subarray(0, opening.length))) {
      throw new MalformedForm('does not begin with its boundary')
    }
    this.#window.skip(opening.length)
  }

  /** A line break follows a delimiter before another part, and two dashes follow the last one. */
  async #partFollows(): Promise<boolean> {
    await this.#need(2)
    const next = latin1(this.#window.view.subarray(0, 2))
    this.#window.skip(2)
    if (next !== '\r\n' && next !== '--') throw new MalformedForm('has a malformed boundary')
    return next === '\r\n'
  }

  /** Reads the head of a part and returns the part's name. */
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
    const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)?.[1] ?? ''
    const name = dispositionParameter(disposition, 'name')
    if (name === undefined) throw new MalformedForm('has a part without a name')
    return name
  }

  /** The remainder of a part's content, up to the next delimiter. */
  async *#body(): Bytes {
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
      await this.#need(this.#window.view.length + 1)
    }
  }

  async #need(bytes: number): Promise<void> {
    while (this.#window.view.length < bytes) {
      if (!(await this.#window.more())) throw new MalformedForm('ends before its closing boundary')
    }
  }
}

/** Values are quoted or bare. Quotes inside a value are escaped in one of two ways. */
const PARAMETERS = /;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g

function dispositionParameter(disposition: string, name: string): string | undefined {
  const match = [...disposition.matchAll(PARAMETERS)].find(([, key]) => key?.toLowerCase() === name)
  const value = match?.[2]?.replaceAll(/\\(["\\])/g, '$1') ?? match?.[3]
  return value?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n')
}
