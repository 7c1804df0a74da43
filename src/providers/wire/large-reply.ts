import type * as z from 'zod'
import { keepingHead, readStream } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { latin1 } from '../../streams/latin1'
import { bodyStream, unexpectedAnswer } from './http'
import { HEAD_BYTES } from './answer-form'

/** Reads a JSON answer of any size without one of its fields. Throws ProviderError when it does not fit the schema. */
export async function readJsonWithout<Reply>(
  field: string,
  response: Response,
  schema: z.ZodType<Reply>,
): Promise<Reply> {
  const isField = ([name, ...deeper]: Path): boolean => name === field && deeper.length === 0
  const { head, all } = keepingHead(readStream(bodyStream(response)), HEAD_BYTES)
  const json = new JsonStream(all, () => false, { drop: isField })
  let said: unknown
  try {
    // No string is taken, so this reads to the end of the text.
    await json.strings().next()
    said = json.value()
    return schema.parse(said)
  } catch (error) {
    throw unexpectedAnswer(response, error, said ?? latin1(head()))
  }
}
