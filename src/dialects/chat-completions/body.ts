import { parameterPath } from '../../failures/checked'
import { type Failure, GatewayError } from '../../failures/errors'
import { decodeBase64 } from '../../streams/base64'
import type { Path, TakenString } from '../../streams/json'
import type { Intake } from '../intake'
import type { BodyPicture } from '../picture-source'
import { isBlank, readPicture, readJsonFields } from '../json-body'
import { piecesOf } from '../../image/markdown-images'

/** A picture of a conversation and its parameter. */
export interface ChatPicture {
  picture: BodyPicture | { url: string }
  param: string
}

/** The texts and pictures of one string, in order. */
export type MessageText = (string | ChatPicture)[]

export interface ChatBody {
  /** The fields of the body; an index into `strings` replaces each string of the messages. */
  fields: Record<string, unknown>
  strings: MessageText[]
}

/** The longest text of all messages together, in characters; other fields of a JSON body have the same limit. */
const MAX_MESSAGES_TEXT = 1024 * 1024
/** A body of the usual cap has room for so many of 1.5 MB each. */
const MAX_CHAT_PICTURES = 50

/** Reads the body of a chat completion and the pictures of its messages as they pass. Throws GatewayError. */
export async function readChat(intake: Intake): Promise<ChatBody> {
  const strings: MessageText[] = []
  const reader = new MessageReader(intake)
  const fields = await readJsonFields(intake, isMessageString, async (taken) => {
    const read = await reader.read(taken)
    strings.push(read)
    return read.some(isBlankPicture) ? 'blank' : undefined
  })
  return { fields, strings }
}

const isBlankPicture = (piece: MessageText[number]): boolean => typeof piece !== 'string' && isBlank(piece.picture)

/** The place of a string within its message, without positions. */
const placeInMessage = ([, , ...inMessage]: Path): string =>
  inMessage.map((key) => (typeof key === 'number' ? '*' : key)).join('.')

const TEXT_PLACES = ['content', 'content.*.text']
const PICTURE_PLACES = [
  'content.*.image_url',
  'content.*.image_url.url',
  // OpenRouter's clients send its answers back so (protocols §2.2).
  'images.*.image_url',
  'images.*.image_url.url',
]
const SHORT_PLACES = ['role', 'content.*.type']

/** All long strings of messages, read or not: a long history must not exceed the limit of other strings. */
const isMessageString = (path: Path): boolean =>
  path[0] === 'messages' && path.length > 2 && !SHORT_PLACES.includes(placeInMessage(path))

/** Reads the strings of messages and counts their texts and pictures. */
class MessageReader {
  readonly #intake: Intake
  #text = 0
  #pictures = 0

  constructor(intake: Intake) {
    this.#intake = intake
  }

  async read({ path, bytes }: TakenString): Promise<MessageText> {
    const place = placeInMessage(path)
    const param = parameterPath(path)
    if (PICTURE_PLACES.includes(place)) {
      const position = { number: this.#count(), param }
      return [{ picture: await readPicture(bytes, this.#intake, position, false), param }]
    }
    const pieces: MessageText = []
    if (!TEXT_PLACES.includes(place)) return pieces
    for await (const piece of piecesOf(bytes)) {
      const last = pieces.at(-1)
      if (typeof piece !== 'string') {
        const input = await this.#intake.pictures.read(decodeBase64(piece), { number: this.#count(), param })
        pieces.push({ picture: { input }, param })
        continue
      }
      this.#text += piece.length
      if (this.#text > MAX_MESSAGES_TEXT) throw new GatewayError(messagesTooLong(MAX_MESSAGES_TEXT))
      if (typeof last === 'string') pieces[pieces.length - 1] = last + piece
      else if (piece !== '') pieces.push(piece)
    }
    return pieces
  }

  #count(): number {
    if (this.#pictures === MAX_CHAT_PICTURES) throw new GatewayError(tooManyChatPictures(MAX_CHAT_PICTURES))
    return ++this.#pictures
  }
}

export const messagesTooLong = (most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid 'messages': their texts are too long. Expected a maximum length of ${most} characters.`,
  param: 'messages',
  reason: 'string_above_max_length',
})

export const tooManyChatPictures = (most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid 'messages': too many images. Expected at most ${most}; start a new conversation with those that matter.`,
  param: 'messages',
  reason: 'array_above_max_length',
})
