import * as z from 'zod'
import { invalidValue, missingParameter } from '../../failures/parameters'
import { GatewayError } from '../../failures/errors'
import type { ConversationTurn } from '../conversation'
import type { NamedPicture } from '../named-picture'
import { isCallId, pictureOfCall, pictureSource } from './pictures'

const textField = z.string()

const contentPart = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('input_text'), text: textField }),
    z.object({ type: z.literal('output_text'), text: textField }),
    z.object({ type: z.literal('refusal') }),
    z.object({ type: z.literal('input_image'), image_url: z.string().nullish(), file_id: z.string().nullish() }),
  ],
  { error: "Supported types are: 'input_text', 'input_image', 'output_text', and 'refusal'." },
)

const asParts = (content: unknown): unknown =>
  typeof content === 'string' ? [{ type: 'input_text', text: content }] : content

const messageItem = z.object({
  type: z.literal('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.preprocess(asParts, z.array(contentPart)),
})

const callItem = z.object({
  type: z.literal('image_generation_call'),
  id: z.string().nullish(),
  result: z.string().nullish(),
  status: z.string().nullish(),
})

const inputItem = z.discriminatedUnion(
  'type',
  [
    messageItem,
    callItem,
    z.object({ type: z.literal('item_reference'), id: z.string() }),
    // The reasoning of a text model has no part in a picture.
    z.object({ type: z.literal('reasoning') }),
  ],
  { error: "Supported types are: 'message', 'image_generation_call', 'item_reference', and 'reasoning'." },
)
type InputItem = z.infer<typeof inputItem>

/** The API knows two kinds of items without their type. */
function withType(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || ('type' in given && given.type !== null)) return given
  return { ...given, type: 'role' in given ? 'message' : 'item_reference' }
}

const asItems = (given: unknown): unknown => (typeof given === 'string' ? [{ role: 'user', content: given }] : given)

/** The input of a response: a text, or the items of a conversation (protocols §2.3). */
export const responseInput = z.preprocess(asItems, z.array(z.preprocess(withType, inputItem)).min(1))

const ROLE_OF_MESSAGE = { user: 'user', assistant: 'model', system: 'system', developer: 'system' } as const

/** The turn of each item. Throws GatewayError. */
export const turnsOfItems = (items: readonly InputItem[]): ConversationTurn<NamedPicture>[] =>
  items.map((each, at) => {
    const param = `input[${at}]`
    if (each.type === 'message') return messageTurn(each, `${param}.content`)
    if (each.type === 'reasoning') return { role: 'model', texts: [], pictures: [] }
    return { role: 'model', texts: [], pictures: earlierPictures(each, param) }
  })

function messageTurn({ role, content }: z.infer<typeof messageItem>, param: string): ConversationTurn<NamedPicture> {
  return {
    role: ROLE_OF_MESSAGE[role],
    texts: content.flatMap((each) => ('text' in each ? [each.text] : [])),
    pictures: content.flatMap((each, at) => {
      if (each.type !== 'input_image') return []
      if (ROLE_OF_MESSAGE[role] === 'system')
        throw new GatewayError(invalidValue(`${param}[${at}].type`, each.type, ['input_text']))
      return [pictureSource(`${param}[${at}]`, each)]
    }),
  }
}

/** An earlier picture: its bytes, if the item has them, or its name. */
function earlierPictures(
  call: Extract<InputItem, { type: 'image_generation_call' | 'item_reference' }>,
  param: string,
): NamedPicture[] {
  if (call.type === 'image_generation_call') {
    if (call.result) return [{ ordinal: call.result, param: `${param}.result` }]
    if (call.status === 'failed') return []
  }
  if (!call.id) throw new GatewayError(missingParameter(`${param}.id`))
  // Other items that a request refers to are texts of a text model.
  if (call.type === 'item_reference' && !isCallId(call.id)) return []
  return [pictureOfCall(call.id, `${param}.id`)]
}
