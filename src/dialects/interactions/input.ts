import * as z from 'zod'
import type { ConversationTurn } from '../conversation'
import { isObject } from '../json-body'
import type { NamedPicture } from '../named-picture'

const content = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('image'), data: z.string().nullish(), uri: z.string().nullish() }),
  ],
  { error: "Pictures are made of texts and pictures here. Send content of the types 'text' and 'image'." },
)
type Content = z.infer<typeof content>

const contents = z.preprocess(
  (given) => (typeof given === 'string' ? [{ type: 'text', text: given }] : isObject(given) ? [given] : (given ?? [])),
  z.array(content),
)

const step = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('user_input'), content: contents }),
    z.object({ type: z.literal('model_output'), content: contents }),
    // Another model has no use for a thought.
    z.object({ type: z.literal('thought') }),
  ],
  { error: "Supported types are: 'user_input', 'model_output', and 'thought'." },
)

const CONTENT_TYPES = ['text', 'image', 'audio', 'video', 'document']

/** Whether an input is the content of the user's step, as a text, an object or a list. */
export function isContent(input: unknown): boolean {
  const first: unknown = Array.isArray(input) ? input[0] : input
  return typeof first === 'string' || (isObject(first) && CONTENT_TYPES.some((type) => type === first['type']))
}

/** The forms of an input (protocols §3.6). */
export const contentInput = contents
export const stepsInput = z.array(step).min(1)

/** The turn of an input without steps. */
export const turnsOfContent = (input: z.infer<typeof contentInput>): ConversationTurn<NamedPicture>[] => [
  turnOf('user', input, (at) => `input[${at}]`),
]

/** The turns of steps, with the parameters of their pictures. */
export const turnsOfSteps = (input: z.infer<typeof stepsInput>): ConversationTurn<NamedPicture>[] =>
  input.map((each, at) => {
    if (each.type === 'thought') return { role: 'model', texts: [], pictures: [] }
    const role = each.type === 'user_input' ? 'user' : 'model'
    return turnOf(role, each.content, (inner) => `input[${at}].content[${inner}]`)
  })

const turnOf = (
  role: 'user' | 'model',
  given: readonly Content[],
  place: (at: number) => string,
): ConversationTurn<NamedPicture> => ({
  role,
  texts: given.flatMap((each) => (each.type === 'text' ? [each.text] : [])),
  pictures: given.flatMap((each, at) => {
    if (each.type !== 'image') return []
    if (each.data) return [{ ordinal: each.data, param: `${place(at)}.data` }]
    return each.uri ? [{ ordinal: each.uri, param: `${place(at)}.uri` }] : []
  }),
})
