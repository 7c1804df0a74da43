import * as z from 'zod'
import { invalidValue, missingParameter } from '../../refusals/parameters'
import { GatewayError } from '../../runtime/errors'
import type { ConversationTurn } from '../conversation'
import { isCall, ofCall, type ResponsesPicture, shownAt } from './pictures'

const text = z.string()

const part = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('input_text'), text }),
    z.object({ type: z.literal('output_text'), text }),
    z.object({ type: z.literal('refusal') }),
    z.object({ type: z.literal('input_image'), image_url: z.string().nullish(), file_id: z.string().nullish() }),
  ],
  { error: "Supported types are: 'input_text', 'input_image', 'output_text', and 'refusal'." },
)

const asParts = (content: unknown): unknown =>
  typeof content === 'string' ? [{ type: 'input_text', text: content }] : content

const message = z.object({
  type: z.literal('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.preprocess(asParts, z.array(part)),
})

const picture = z.object({
  type: z.literal('image_generation_call'),
  id: z.string().nullish(),
  result: z.string().nullish(),
  status: z.string().nullish(),
})

const item = z.discriminatedUnion(
  'type',
  [
    message,
    picture,
    z.object({ type: z.literal('item_reference'), id: z.string() }),
    // The reasoning of a text model has no part in a picture.
    z.object({ type: z.literal('reasoning') }),
  ],
  { error: "Supported types are: 'message', 'image_generation_call', 'item_reference', and 'reasoning'." },
)
type Item = z.infer<typeof item>

/** The API knows two kinds of items without their type. */
function typed(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || ('type' in given && given.type !== null)) return given
  return { ...given, type: 'role' in given ? 'message' : 'item_reference' }
}

const asItems = (given: unknown): unknown => (typeof given === 'string' ? [{ role: 'user', content: given }] : given)

/** The input of a response: a text, or the items of a conversation (protocols §2.3). */
export const input = z.preprocess(asItems, z.array(z.preprocess(typed, item)).min(1))

const ROLES = { user: 'user', assistant: 'model', system: 'system', developer: 'system' } as const

/** The turn of each item. Throws GatewayError. */
export const turnsOf = (items: readonly Item[]): ConversationTurn<ResponsesPicture>[] =>
  items.map((each, at) => {
    const param = `input[${at}]`
    if (each.type === 'message') return said(each, `${param}.content`)
    if (each.type === 'reasoning') return { role: 'model', texts: [], pictures: [] }
    return { role: 'model', texts: [], pictures: made(each, param) }
  })

function said({ role, content }: z.infer<typeof message>, param: string): ConversationTurn<ResponsesPicture> {
  return {
    role: ROLES[role],
    texts: content.flatMap((each) => ('text' in each ? [each.text] : [])),
    pictures: content.flatMap((each, at) => {
      if (each.type !== 'input_image') return []
      if (ROLES[role] === 'system')
        throw new GatewayError(invalidValue(`${param}[${at}].type`, each.type, ['input_text']))
      return [shownAt(`${param}[${at}]`, each)]
    }),
  }
}

/** An earlier picture: its bytes, if the item has them, or its name. */
function made(
  call: Extract<Item, { type: 'image_generation_call' | 'item_reference' }>,
  param: string,
): ResponsesPicture[] {
  if (call.type === 'image_generation_call') {
    if (call.result) return [{ ordinal: call.result, param: `${param}.result` }]
    if (call.status === 'failed') return []
  }
  if (!call.id) throw new GatewayError(missingParameter(`${param}.id`))
  // Other items that a request refers to are texts of a text model.
  if (call.type === 'item_reference' && !isCall(call.id)) return []
  return [ofCall(call.id, `${param}.id`)]
}
