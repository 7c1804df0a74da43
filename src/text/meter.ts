import * as z from 'zod'
import type { Usage } from '../image/record'
import type { Bytes } from '../streams/bytes'
import { JsonStream, type Path, TooLong, UnexpectedEnd } from '../streams/json'
import { EventStream } from '../streams/server-events'

/** What an answer says of itself. */
export interface Metered {
  /** How many tokens it took. */
  usage: Usage | undefined
  /** How many events it came in, each of which has a token at least, but for a few. */
  pieces: number
  /** Whether it tells of an error. */
  isError: boolean
}

const count = z.int().nonnegative()

/** As chat completions and as responses count (protocols §2). */
const usage = z
  .union([
    z
      .object({ prompt_tokens: count, completion_tokens: count.nullish() })
      .transform((said) => ({ input: said.prompt_tokens, output: said.completion_tokens ?? 0 })),
    z
      .object({ input_tokens: count, output_tokens: count.nullish() })
      .transform((said) => ({ input: said.input_tokens, output: said.output_tokens ?? 0 })),
  ])
  .transform(({ input, output }): Usage => ({ input, output, total: input + output }))
  .nullish()
  .catch(undefined)

const said = z.object({ usage, error: z.unknown().optional() })
/** An answer, or an event of one; the last event of a stream of responses has the whole response in it. */
const reply = said.extend({ response: said.nullish().catch(undefined) }).catch({ usage: undefined, error: undefined })

/** Reads an answer as it passes, holding none of its texts. Throws what reading the bytes throws. */
export async function meter(bytes: Bytes, contentType: string | undefined): Promise<Metered> {
  if (!/^text\/event-stream\b/i.test(contentType ?? '')) return await meterOne(bytes)
  let all: Metered = { usage: undefined, pieces: 0, isError: false }
  for await (const { data } of new EventStream(bytes).events()) {
    const one = await meterOne(data)
    all = { usage: one.usage ?? all.usage, pieces: all.pieces + 1, isError: all.isError || one.isError }
  }
  return all
}

async function meterOne(bytes: Bytes): Promise<Metered> {
  const { usage: own, error, response } = reply.parse(await withoutTexts(bytes))
  return { usage: own ?? response?.usage ?? undefined, pieces: 1, isError: Boolean(error || response?.error) }
}

/** A JSON text in which ordinals stand for its strings, but for errors; undefined where it is none, as `[DONE]` is none. */
async function withoutTexts(bytes: Bytes): Promise<unknown> {
  const json = new JsonStream(bytes, (path) => !isError(path), isContent)
  try {
    for await (const _ of json.strings());
    return json.value()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooLong || error instanceof UnexpectedEnd) return undefined
    throw error
  }
}

/** What was written, which may be longer than its texts where each token is told with how likely it and others were. */
const isContent = (path: Path): boolean => path.length <= 2 && (path.at(-1) === 'choices' || path.at(-1) === 'output')

/** Some say that there is none by an empty one. */
const isError = (path: Path): boolean => path.length <= 2 && path.at(-1) === 'error'
