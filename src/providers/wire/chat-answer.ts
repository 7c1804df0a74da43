import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { MAX_URL_BYTES } from '../../runtime/public-url'
import { type Bytes, capped, peek, readStream, readText } from '../../streams/bytes'
import { latin1 } from '../../streams/latin1'
import { JsonStream, type Path } from '../../streams/json'
import { TooLong, UnexpectedEnd } from '../../streams/json-faults'
import { EventStream, LAST_EVENT_DATA } from '../../streams/server-events'
import { bodyStream, isEventStream } from './http'
import { HEAD_BYTES } from './json-pictures'
import { optionalText } from './lenient'
import type { Summary } from '../provider'
import { relaySummary } from './relay-reply'

/** The longest head of a data URL, in bytes: media type and parameters. */
const MAX_HEAD_BYTES = 256

const chatRefusal = z.object({ refusal: optionalText })
const chatChoice = z.object({
  finish_reason: optionalText,
  message: chatRefusal.nullish().catch(undefined),
  delta: chatRefusal.nullish().catch(undefined),
})
const chatChunk = z.object({
  choices: z.array(chatChoice).nullish().catch(undefined),
  error: z
    .union([z.looseObject({}), z.string()])
    .nullish()
    .catch(undefined),
})

/**
 * Reads a chat answer as it streams, as one object or as events (protocols §2.1).
 * The words come out with every picture among them as a data URL. The rest of the answer is known at the end.
 */
export class ChatAnswer {
  /** The URLs of pictures in picture fields. URLs among the words are not here. */
  readonly urls: string[] = []
  readonly #response: Response
  #isStream = false
  #isOver = false
  #isRefused = false
  #failure: unknown
  #summary: Summary = {}
  #said: unknown
  #head = new Uint8Array(0)

  constructor(response: Response) {
    this.#response = response
  }

  get isStream(): boolean {
    return this.#isStream
  }

  /** Whether a content filter ended the answer. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  /** The event with an error, if there was one. */
  get failure(): unknown {
    return this.#failure
  }

  get summary(): Summary {
    return this.#summary
  }

  /** The last object of the answer, without its words. */
  get said(): unknown {
    return this.#said
  }

  /** The first bytes of the answer. */
  get head(): Uint8Array {
    return this.#head
  }

  /** Throws SyntaxError, TooLong, UnexpectedEnd, or what reading the bytes throws. */
  async *words(): Bytes {
    const { head, all } = await peek(readStream(bodyStream(this.#response)), 1)
    this.#head = head.slice(0, HEAD_BYTES)
    this.#isStream = opensEvents(head, this.#response)
    if (!this.#isStream) return yield* this.#piece(all)
    for await (const { data } of new EventStream(all).events()) {
      const piece = await peek(data, LAST_EVENT_DATA.length)
      const start = latin1(piece.head)
      if (start.startsWith(LAST_EVENT_DATA)) return
      if (start.startsWith('{')) yield* this.#piece(piece.all)
      if (this.#failure !== undefined) return
    }
    // The answer was cut off, and so may be a picture in it.
    if (!this.#isOver) throw new UnexpectedEnd()
  }

  async *#piece(piece: Bytes): Bytes {
    const json = new JsonStream(piece, (path) => stringRole(path) !== undefined)
    for await (const { path, bytes } of json.strings()) {
      if (stringRole(path) === 'words') yield* bytes
      else yield* this.#picture(bytes)
    }
    this.#note(json.value())
  }

  /** A picture as a data URL, for any field name. A picture with a URL yields nothing. */
  async *#picture(bytes: Bytes): Bytes {
    const { head, all } = await peek(bytes, MAX_HEAD_BYTES)
    const start = latin1(head.subarray(0, MAX_HEAD_BYTES))
    if (start === '') return
    if (/^https?:/.test(start)) {
      this.urls.push(await readText(capped(all, MAX_URL_BYTES, () => new TooLong())))
      return
    }
    const [dataHead = ''] = /^data:[^,]*;base64,/.exec(start) ?? []
    yield Buffer.from('\ndata:image/png;base64,')
    yield* bytesAfter(dataHead.length, all)
    yield Buffer.from('\n')
  }

  #note(said: unknown): void {
    const { choices, error } = chatChunk.safeParse(said).data ?? {}
    this.#said = said
    this.#summary = { ...this.#summary, ...relaySummary(said) }
    for (const { finish_reason, message, delta } of choices ?? []) {
      this.#isOver ||= Boolean(finish_reason)
      this.#isRefused ||= finish_reason === 'content_filter' || Boolean(message?.refusal ?? delta?.refusal)
    }
    if (error) this.#failure = typeof error === 'string' ? { error: { message: error } } : said
  }
}

/** Detects events by the first bytes, because relays send the wrong form and the wrong media type. */
function opensEvents(head: Uint8Array, response: Response): boolean {
  const start = latin1(head).trimStart()
  if (/^(?:data|event|id|retry)?:/.test(start)) return true
  return !/^[{<]/.test(start) && isEventStream(response)
}

/** The field names of a picture's URL or base64 in the parts of a message. */
const PICTURE_KEYS = ['url', 'image_url', 'b64_json', 'b64', 'base64', 'data', 'result', 'image']

/** The role of a string by its path. Only the first choice is read. */
function stringRole([choices, at, message, list, ...rest]: Path): 'words' | 'picture' | undefined {
  if (choices !== 'choices' || at !== 0 || (message !== 'message' && message !== 'delta')) return undefined
  if (list !== 'content' && list !== 'images') return undefined
  const key = rest.at(-1)
  if (key === undefined) return list === 'content' ? 'words' : undefined
  if (list === 'content' && rest.length === 2 && key === 'text') return 'words'
  return PICTURE_KEYS.includes(String(key)) ? 'picture' : undefined
}

async function* bytesAfter(count: number, bytes: Bytes): Bytes {
  let left = count
  for await (const chunk of bytes) {
    const rest = chunk.subarray(left)
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}
