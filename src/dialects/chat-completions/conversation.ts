import { MAX_PROMPT } from '../request-limits'
import { MAX_INPUTS } from '../../image/request'
import * as z from 'zod'
import { missingParameter } from '../../failures/parameters'
import { type Failure, GatewayError } from '../../failures/errors'
import type { Adjustment } from '../../catalog/fit'
import { type MessageText, type ChatPicture, messagesTooLong, tooManyChatPictures } from './body'
import { type PromptWithPictures, promptWithPictures, endsWithRequest, type ConversationTurn } from '../conversation'
import { illustrated } from '../../image/markdown-images'
import { VARIATION_PROMPT } from '../openai/legacy'

/** Clients write the URL of a picture in either form. */
const imageUrl = z.preprocess(
  (given) => (typeof given === 'string' ? { url: given } : given),
  z.looseObject({ url: z.string() }),
)

const messagePart = z.looseObject({
  type: z.enum(['text', 'image_url', 'refusal']),
  text: z.string().nullish(),
  image_url: imageUrl.nullish(),
})

/** A string equals a single text part. */
const messageContent = z.preprocess(
  (given) => (typeof given === 'string' ? [{ type: 'text', text: given }] : given),
  z.array(messagePart).nullish(),
)

/** The messages of a chat completion; each string is an index into the strings of its body. */
export const messages = z
  .array(
    z.looseObject({
      role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
      content: messageContent,
      images: z.array(z.looseObject({ image_url: imageUrl })).nullish(),
    }),
  )
  .min(1)
type ChatMessage = z.infer<typeof messages>[number]

/** The prompt and pictures of messages, and an adjustment if the prompt was missing. Throws GatewayError. */
export function promptOfMessages(
  given: readonly ChatMessage[],
  strings: readonly MessageText[],
): { prompted: PromptWithPictures<ChatPicture>; adjustments: Adjustment[] } {
  const turns = given.map((message, at) => turnOfMessage(message, strings, `messages[${at}]`))
  if (!endsWithRequest(turns)) throw new GatewayError(NOTHING_ASKED)
  const { prompt, pictures } = promptWithPictures(turns)
  if (prompt.length > MAX_PROMPT) throw new GatewayError(messagesTooLong(MAX_PROMPT))
  if (pictures.length > MAX_INPUTS) throw new GatewayError(tooManyChatPictures(MAX_INPUTS))
  if (prompt !== '') return { prompted: { prompt, pictures }, adjustments: [] }
  return {
    prompted: { prompt: VARIATION_PROMPT, pictures },
    adjustments: [{ note: 'messages>variation', refusal: MISSING_TEXT }],
  }
}

type TurnRole = ConversationTurn<ChatPicture>['role']

const ROLE_OF_MESSAGE: Record<ChatMessage['role'], TurnRole> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'model',
  // A tool answers the model, not the user.
  tool: 'model',
  function: 'model',
}

function turnOfMessage(
  { role, content, images }: ChatMessage,
  strings: readonly MessageText[],
  param: string,
): ConversationTurn<ChatPicture> {
  const turn: ConversationTurn<ChatPicture> = { role: ROLE_OF_MESSAGE[role], texts: [], pictures: [] }
  for (const [at, { type, text, image_url }] of (content ?? []).entries()) {
    if (type === 'refusal') continue
    const place = type === 'image_url' ? image_url?.url : text
    if (place === undefined || place === null)
      throw new GatewayError(missingParameter(`${param}.content[${at}].${type}`))
    const found = textAndPictures(turn.role, strings[Number(place)] ?? [], `${param}.content`)
    turn.texts.push(found.text)
    turn.pictures.push(...found.pictures)
  }
  for (const { image_url } of images ?? []) {
    turn.pictures.push(...(strings[Number(image_url.url)] ?? []).filter((piece) => typeof piece !== 'string'))
  }
  return turn
}

function textAndPictures(
  role: TurnRole,
  pieces: MessageText,
  param: string,
): Pick<ConversationTurn<ChatPicture>, 'pictures'> & { text: string } {
  if (role === 'system') {
    // A link in a rule of the system is no picture.
    const text = pieces.filter((piece) => typeof piece === 'string').join('')
    if (pieces.some((piece) => typeof piece !== 'string')) throw new GatewayError(imageInSystem(param))
    return { text, pictures: [] }
  }
  const { text, pictures } = illustrated(pieces, (url) => ({ picture: { url }, param }))
  // Blanks around a removed picture mean nothing.
  const found = { text: pictures.length > 0 ? text.trim() : text, pictures }
  const [, url] = BARE_LINK.exec(found.text) ?? []
  // Some relays answer with a bare link (protocols §2.1).
  return role === 'model' && url ? { text: '', pictures: [...found.pictures, { picture: { url }, param }] } : found
}

const BARE_LINK = /^\s*(https?:\/\/\S+)\s*$/

const imageInSystem = (param: string): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': a system message holds no images. Send them in a user message.`,
  param,
  reason: 'invalid_value',
})

const NOTHING_ASKED: Failure = {
  code: 'invalid_request',
  message:
    "Invalid 'messages': the last one says nothing. Tell in a user message, by text or by an image, what to make.",
  param: 'messages',
  reason: 'invalid_value',
}

const MISSING_TEXT: Failure = {
  code: 'invalid_request',
  message: "Invalid 'messages': there is an image but no text. Say what to do with it.",
  param: 'messages',
  reason: 'invalid_value',
}
