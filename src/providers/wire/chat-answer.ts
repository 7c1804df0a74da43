import { Buffer } from 'node:buffer'
import * as z from 'zod'
import type { Bytes } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { UnexpectedEnd } from '../../streams/json-faults'
import { EventStream } from '../../streams/server-events'
import { formedAnswer, openedData } from './answer-form'
import { optionalText } from './lenient'
import { isPicturePath, promisesBase64 } from './picture-path'
import { pictureString } from './picture-string'
import type { Summary } from '../provider'
import { relaySummary } from './relay-reply'

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
  #hasPicture = false
  #failure: unknown
  #summary: Summary = {}
  #said: unknown
  #head = (): Uint8Array => new Uint8Array(0)

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
    return this.#head()
  }

  /** Throws SyntaxError, TooLong, UnexpectedEnd, or what reading the bytes throws. */
  async *words(): Bytes {
    const { isEvents, bytes, head } = await formedAnswer(this.#response)
    this.#head = head
    this.#isStream = isEvents
    if (!isEvents) return yield* this.#piece(bytes)
    for await (const { data } of new EventStream(bytes).events()) {
      const { is, all } = await openedData(data)
      if (is === 'last') return
      if (is === 'json') yield* this.#piece(all)
      if (this.#failure !== undefined) return
    }
    // The answer was cut off, and so may be a picture in it.
    if (!this.#isOver) throw new UnexpectedEnd()
  }

  async *#piece(piece: Bytes): Bytes {
    const json = new JsonStream(piece, (path) => stringRole(path) !== undefined)
    for await (const { path, bytes } of json.strings()) {
      if (stringRole(path) === 'words') yield* bytes
      else yield* this.#picture(path, bytes)
    }
    this.#note(json.value())
    // A picture of its own is whole, unlike one among the words.
    this.#isOver ||= this.#hasPicture
  }

  /** A picture as a data URL, for any field name. A picture with a URL yields nothing. */
  async *#picture(path: Path, bytes: Bytes): Bytes {
    const picture = await pictureString(bytes, promisesBase64(path))
    this.#hasPicture ||= !('words' in picture)
    if ('link' in picture) this.urls.push(picture.link)
    if (!('base64' in picture)) return
    yield Buffer.from('\ndata:image/png;base64,')
    yield* picture.base64
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

/** The field names of a picture's URL or base64 in the parts of a message. */
const PICTURE_KEYS = ['url', 'image_url', 'b64_json', 'b64', 'base64', 'data', 'result', 'image']

/** The role of a string by its path. Only the first choice is read. An answer without choices is one of images. */
function stringRole(path: Path): 'words' | 'picture' | undefined {
  const [choices, at, message, list, ...rest] = path
  if (choices !== 'choices' && isPicturePath(path)) return 'picture'
  if (choices !== 'choices' || at !== 0 || (message !== 'message' && message !== 'delta')) return undefined
  if (list !== 'content' && list !== 'images') return undefined
  const key = rest.at(-1)
  if (key === undefined) return list === 'content' ? 'words' : undefined
  if (list === 'content' && rest.length === 2 && key === 'text') return 'words'
  return PICTURE_KEYS.includes(String(key)) ? 'picture' : undefined
}
