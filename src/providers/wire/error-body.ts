import * as z from 'zod'
import { type Bytes, capped, peek, readText } from '../../streams/bytes'
import { JsonStream } from '../../streams/json'
import type { ErrorAnswer } from './answer-classes'
import { optionalText } from './lenient'

/** The limit of an error body, without what it repeats of the request. */
const MAX_ERROR_BYTES = 64 * 1024
/** The limit of an error body with what it repeats: pictures of the largest request, as base64 in JSON. */
const MAX_REPEATED_BYTES = 128 * 1024 * 1024

/** The error body: JSON, the first event of a stream, or plain text. Undefined when it cannot be read. */
export async function readErrorBody(bytes: Bytes): Promise<unknown> {
  try {
    const { head, all } = await peek(bytes, MAX_ERROR_BYTES + 1)
    if (head.length > MAX_ERROR_BYTES) return await readRepeating(capped(all, MAX_REPEATED_BYTES, tooLong))
    const said = (await readText(all)).trim()
    const [, event = said] = /^data:(.*)$/m.exec(said) ?? []
    return parsedOr(event)
  } catch {
    return undefined
  }
}

const tooLong = (): Error => new Error('too long')

/** The field in which services with FastAPI's errors repeat the value at fault. */
const REPEATING_FIELD = 'input'

/** Reads JSON without the repeated values. */
async function readRepeating(bytes: Bytes): Promise<unknown> {
  const json = new JsonStream(bytes, (path) => path.includes(REPEATING_FIELD), {
    drop: (path) => path.at(-1) === REPEATING_FIELD,
  })
  for await (const _ of json.strings());
  return json.value()
}

/** The parsed text, or the text itself if it is not JSON. */
export function parsedOr(said: string): unknown {
  try {
    return JSON.parse(said)
  } catch {
    return said
  }
}

/** The text that patterns see of a body outside of its API's form, in characters. */
const MAX_TEXT = 500

/** Fields that hold the sentence of an error in most APIs. */
const looseError = z.object({
  error: z
    .union([z.string(), z.object({ message: optionalText })])
    .nullish()
    .catch(undefined),
  message: optionalText,
  msg: optionalText,
  detail: optionalText,
  description: optionalText,
})

/** The sentence of an error in another form than that of its API. */
function looseWords(body: unknown): string | undefined {
  const { error, message, msg, detail, description } = looseError.safeParse(body).data ?? {}
  return (typeof error === 'string' ? error : error?.message) ?? message ?? msg ?? detail ?? description ?? undefined
}

/** The form of an error body. */
export function formOf({ headers }: Response, body: unknown): Pick<ErrorAnswer, 'form' | 'text'> {
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '')
  if (typeof body === 'object' && body !== null) return { form: 'json', text: looseWords(body)?.slice(0, MAX_TEXT) }
  if (typeof body !== 'string' || body === '') return { form: isPage ? 'page' : 'none' }
  return isPage || /^<(?:!doctype|html)/i.test(body)
    ? { form: 'page' }
    : { form: 'text', text: body.slice(0, MAX_TEXT) }
}
