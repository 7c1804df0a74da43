import type { Bytes } from './bytes'
import { DuplicateKey, MAX_REST, TooLong, UnexpectedEnd } from './json-faults'
import { closingQuote, QUOTE, unescapeJson, wellFormedEscapes } from './json-escapes'
import { NotUtf8, Utf8Decoder } from './utf8'
import { Window } from './window'

/** The place of a value in a JSON text, as `['data', 0, 'b64_json']`. */
export type Path = readonly (string | number)[]

interface JsonOptions {
  /** Objects and arrays at its paths come out empty. */
  drop?: (path: Path) => boolean
  /** Refuses equal keys of an object, bytes that are not UTF-8, and more text. Half of a pair becomes U+FFFD. */
  isStrict?: boolean
}

/** A string taken out of the text, as unescaped UTF-8. It is read before the next one. */
export interface TakenString {
  path: Path
  bytes: Bytes
}

const MAX_KEY_LENGTH = 1024
const MAX_DEPTH = 64

const charCode = (character: string): number => character.charCodeAt(0)
const OPEN_OBJECT = charCode('{')
const OPEN_ARRAY = charCode('[')
const CLOSE_OBJECT = charCode('}')
const CLOSE_ARRAY = charCode(']')
const COMMA = charCode(',')

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** An undefined key has not been read yet. `keys` holds all keys so far, if they have to differ. */
type Container = { kind: 'object'; key: string | undefined; keys?: Set<string> } | { kind: 'array'; index: number }

/**
 * Reads a JSON text as it streams; a byte order mark in front is skipped. Strings at paths of `take` come out as byte
 * streams of any size. The rest is parsed at the end. Each taken string is replaced by its ordinal ("0", "1", …).
 */
export class JsonStream {
  readonly #window: Window
  readonly #take: (path: Path) => boolean
  readonly #drop: (path: Path) => boolean
  readonly #isStrict: boolean
  readonly #decoder: Utf8Decoder
  readonly #containers: Container[] = []
  /** Whether the outermost object or array is closed. */
  #isWhole = false
  /** Whether the window is inside a string, and whether the next byte is escaped. */
  #inString = false
  #escaped = false
  #rest = ''
  /** The depth of the outermost dropped container that the window is inside. */
  #droppedDepth = Infinity
  #taken = 0

  constructor(bytes: Bytes, take: (path: Path) => boolean, { drop = () => false, isStrict = false }: JsonOptions = {}) {
    this.#window = new Window(isStrict ? wellFormedEscapes(bytes) : bytes)
    this.#take = take
    this.#drop = drop
    this.#isStrict = isStrict
    this.#decoder = new Utf8Decoder({ isStrict })
  }

  /** The taken strings in order. Throws UnexpectedEnd, TooLong, DuplicateKey, NotUtf8, or the errors of the bytes. */
  async *strings(): AsyncGenerator<TakenString, void> {
    try {
      await this.#window.skipByteOrderMark()
      for (;;) {
        const atString = this.#scanToString()
        if (!atString) {
          // An upstream may keep the connection open after the text, so this does not wait for its end.
          if (!this.#isWhole && (await this.#window.more())) continue
          break
        }
        yield* this.#string()
      }
      if (this.#isStrict && !(await this.#window.endsIn(isSpace))) throw new SyntaxError('more text follows the JSON')
    } finally {
      await this.#window.close()
    }
    if (this.#containers.length > 0) throw new UnexpectedEnd()
  }

  /**
   * The reader's position in bytes: behind the opening quote of a taken string.
   * Once the string is read, behind its closing quote.
   */
  get offset(): number {
    return this.#window.offset
  }

  /** The text before the current taken string, parsed as if it ended there. */
  soFar(): unknown {
    const ends = this.#containers.toReversed().map(({ kind }) => (kind === 'object' ? '}' : ']'))
    return JSON.parse(`${this.#rest}"${ends.join('')}`)
  }

  /** The parsed rest of the text, after the end of `strings`. Throws SyntaxError for text that is not JSON. */
  value(): unknown {
    return JSON.parse(this.#rest + this.#decoder.end())
  }

  /** The place of the value that was read last. */
  get place(): Path {
    return this.#containers.map((each) => (each.kind === 'array' ? each.index : (each.key ?? '')))
  }

  /** Copies the view up to the next opening quote. False when there is none. */
  #scanToString(): boolean {
    let { view } = this.#window
    for (let at = 0; at < view.length; at++) {
      const byte = view[at]
      if (byte === QUOTE && this.#containers.length > 0) {
        this.#keep(at + 1)
        return true
      }
      if (byte === COMMA) this.#next()
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        const isDropped = this.#droppedDepth === Infinity && this.#drop(this.place)
        this.#open(byte === OPEN_OBJECT ? { kind: 'object', key: undefined } : { kind: 'array', index: 0 })
        if (!isDropped) continue
        this.#keep(at + 1)
        this.#droppedDepth = this.#containers.length
        view = this.#window.view
        at = -1
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (this.#containers.length === this.#droppedDepth) {
          this.#keep(at)
          this.#droppedDepth = Infinity
          view = this.#window.view
          at = 0
        }
        this.#containers.pop()
        this.#isWhole = this.#containers.length === 0
        if (!this.#isWhole) continue
        this.#keep(at + 1)
        return false
      } else if (this.#containers.length === 0 && !isSpace(byte)) {
        if (this.#isStrict && byte !== undefined && byte > 0x7f) throw new NotUtf8()
        throw new SyntaxError('the text is not a JSON object or array')
      }
    }
    this.#keep(view.length)
    return false
  }

  #open(container: Container): void {
    if (this.#containers.length === MAX_DEPTH) throw new SyntaxError('the JSON text is nested too deeply')
    this.#containers.push(container)
  }

  #next(): void {
    const container = this.#containers.at(-1)
    if (container?.kind === 'array') container.index++
    else if (container) container.key = undefined
  }

  async *#string(): AsyncGenerator<TakenString, void> {
    const container = this.#containers.at(-1)
    if (container?.kind === 'object' && container.key === undefined) {
      container.key = await this.#key()
      if (this.#isStrict) noteKey(container, container.key, () => this.place)
      return
    }
    this.#inString = true
    const path = this.place
    if (!this.#take(path)) {
      for await (const raw of this.#raw()) this.#append(raw)
    } else {
      const decoder = new Utf8Decoder({ isStrict: this.#isStrict })
      const bytes = unescapeJson(this.#checked(decoder))
      yield { path, bytes }
      for await (const _ of bytes);
      // The reader of a string may stop inside an escape. Its rest is skipped.
      for await (const _ of this.#checked(decoder));
      decoder.end()
      this.#add(String(this.#taken++))
    }
    this.#append(Uint8Array.of(QUOTE))
  }

  async #key(): Promise<string> {
    const decoder = new Utf8Decoder({ isStrict: this.#isStrict })
    let raw = ''
    this.#inString = true
    for await (const chunk of this.#raw()) {
      raw += decoder.decode(chunk)
      if (raw.length > MAX_KEY_LENGTH) throw new SyntaxError('a key of the JSON text is too long')
    }
    raw += `${decoder.end()}"`
    this.#add(raw)
    return String(JSON.parse(`"${raw}`))
  }

  #append(raw: Uint8Array): void {
    this.#add(this.#decoder.decode(raw))
  }

  #add(text: string): void {
    if (this.#droppedDepth === Infinity) this.#rest += text
    if (this.#rest.length > MAX_REST) throw new TooLong()
  }

  /** Moves the first bytes of the view to the rest. */
  #keep(count: number): void {
    this.#append(this.#window.view.subarray(0, count))
    this.#window.skip(count)
  }

  /** The raw remainder of a string. Its decoder checks it, but for text that need not be UTF-8. */
  async *#checked(decoder: Utf8Decoder): Bytes {
    for await (const chunk of this.#raw()) {
      if (this.#isStrict) decoder.check(chunk)
      yield chunk
    }
  }

  /** The raw remainder of a string with its escapes, up to its closing quote. */
  async *#raw(): Bytes {
    while (this.#inString) {
      const view = this.#window.view
      const quote = closingQuote(view, this.#escaped)
      if (quote.at !== -1) {
        this.#window.skip(quote.at + 1)
        this.#inString = false
        this.#escaped = false
        yield view.subarray(0, quote.at)
        return
      }
      this.#escaped = quote.escaped
      this.#window.skip(view.length)
      if (view.length > 0) yield view
      if (!(await this.#window.more())) throw new UnexpectedEnd()
    }
  }
}

/** Throws DuplicateKey for a key that the object had before. Readers of JSON differ in the choice between two values. */
function noteKey(container: Extract<Container, { kind: 'object' }>, key: string, path: () => Path): void {
  const keys = (container.keys ??= new Set())
  if (keys.has(key)) throw new DuplicateKey(path())
  keys.add(key)
}
