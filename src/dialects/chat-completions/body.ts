import { parameterPath } from '../../refusals/checked'
import { type Failure, GatewayError } from '../../runtime/errors'
import { decodeBase64 } from '../../streams/base64'
import type { Path, TakenString } from '../../streams/json'
import type { Intake } from '../intake'
import { type BodyPicture, readPicture, readJsonFields } from '../json-body'
import { piecesOf } from '../../image/markdown-images'

/** A picture that was shown in a conversation, and the parameter that it came in. */
export interface ChatPicture {
  picture: BodyPicture
  param: string
}

/** What one string of the messages holds, in its order. */
export type MessageText = (string | ChatPicture)[]

export interface ChatBody {
  /** In which each string of the messages is replaced by its place among `strings`. */
  fields: Record<string, unknown>
  strings: MessageText[]
}

/** For the texts of all messages together; the same that a JSON body may have besides them. */
const MAX_TEXT = 1024 * 1024
/** As many as a body of the usual cap has room for, at 1.5 MB each. */
const MAX_PICTURES = 50

/** Reads the body of a chat completion, storing the pictures in its messages as they pass. Throws GatewayError. */
export async function readChat(intake: Intake): Promise<ChatBody> {
  const strings: MessageText[] = []
  const reader = new Messages(intake)
  const fields = await readJsonFields(intake, isOfMessage, async (taken) => {
    strings.push(await reader.read(taken))
  })
  return { fields, strings }
}

/** Where a string stands, whichever message and part it is in. */
const placeOf = ([, , ...inMessage]: Path): string =>
  inMessage.map((key) => (typeof key === 'number' ? '*' : key)).join('.')

const TEXTS = ['content', 'content.*.text']
const PICTURES = [
  'content.*.image_url',
  'content.*.image_url.url',
  // As OpenRouter's clients send its answers back (protocols §2.2).
  'images.*.image_url',
  'images.*.image_url.url',
]
const WORDS = ['role', 'content.*.type']

/** Whatever a message says at length, though only some of it is of use, so that no history is too long. */
const isOfMessage = (path: Path): boolean => path[0] === 'messages' && path.length > 2 && !WORDS.includes(placeOf(path))

/** What is read of messages. */
class Messages {
  readonly #intake: Intake
  #text = 0
  #pictures = 0

  constructor(intake: Intake) {
    this.#intake = intake
  }

  async read({ path, bytes }: TakenString): Promise<MessageText> {
    const place = placeOf(path)
    const param = parameterPath(path)
    if (PICTURES.includes(place)) {
      const position = { number: this.#count(), param }
      return [{ picture: await readPicture(bytes, this.#intake, position, false), param }]
    }
    const pieces: MessageText = []
    if (!TEXTS.includes(place)) return pieces
    for await (const piece of piecesOf(bytes)) {
      const last = pieces.at(-1)
      if (typeof piece !== 'string') {
        const picture = await this.#intake.picture(decodeBase64(piece), { number: this.#count(), param })
        pieces.push({ picture, param })
        continue
      }
      this.#text += piece.length
      if (this.#text > MAX_TEXT) throw new GatewayError(tooLong(MAX_TEXT))
      if (typeof last === 'string') pieces[pieces.length - 1] = last + piece
      else if (piece !== '') pieces.push(piece)
    }
    return pieces
  }

  #count(): number {
    if (this.#pictures === MAX_PICTURES) throw new GatewayError(tooMany(MAX_PICTURES))
    return ++this.#pictures
  }
}

export const tooLong = (most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid 'messages': their texts are too long. Expected a maximum length of ${most} characters.`,
  param: 'messages',
  reason: 'string_above_max_length',
})

export const tooMany = (most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid 'messages': too many images. Expected at most ${most}; start a new conversation with those that matter.`,
  param: 'messages',
  reason: 'array_above_max_length',
})
