import * as z from 'zod'
import type { Usage } from '../image/record'
import { textUsage } from '../providers/wire/text-usage'
import type { Bytes } from '../streams/bytes'
import { JsonStream, type Path } from '../streams/json'
import { TooLong, UnexpectedEnd } from '../streams/json-faults'
import { EventStream } from '../streams/server-events'

/** The figures of an answer. */
export interface MeteredAnswer {
  /** Its tokens, as it reports them. */
  usage: Usage | undefined
  /** The number of its events; nearly each has at least one token. */
  events: number
  /** Whether it reports an error. */
  isError: boolean
  /** Whether an event with content came before an error; the states of a response have none. */
  isBegun: boolean
}

const eventFields = z.object({ usage: textUsage, error: z.unknown().optional() })
/** An answer or an event; the last event of a stream of responses contains the response. */
const eventSchema = eventFields
  .extend({ response: eventFields.nullish().catch(undefined) })
  .catch({ usage: undefined, error: undefined })

/** Reads an answer as it passes, without its texts in memory. Throws the errors of the bytes. */
export async function meterAnswer(bytes: Bytes, contentType: string | undefined): Promise<MeteredAnswer> {
  if (!/^text\/event-stream\b/i.test(contentType ?? '')) return await meterJson(bytes)
  let all: MeteredAnswer = { usage: undefined, events: 0, isError: false, isBegun: false }
  for await (const { data } of new EventStream(bytes).events()) {
    const one = await meterJson(data)
    all = {
      usage: one.usage ?? all.usage,
      events: all.events + 1,
      isError: all.isError || one.isError,
      isBegun: all.isBegun || (one.isBegun && !all.isError),
    }
  }
  return all
}

async function meterJson(bytes: Bytes): Promise<MeteredAnswer> {
  const { usage: own, error, response } = eventSchema.parse(await withoutTexts(bytes))
  const isError = Boolean(error || response?.error)
  return { usage: own ?? response?.usage ?? undefined, events: 1, isError, isBegun: !isError && !response }
}

/** A JSON value with ordinals in place of strings, except in errors; undefined for other text, such as `[DONE]`. */
async function withoutTexts(bytes: Bytes): Promise<unknown> {
  const json = new JsonStream(bytes, (path) => !isErrorPath(path), { drop: isContentPath })
  try {
    for await (const _ of json.strings());
    return json.value()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooLong || error instanceof UnexpectedEnd) return undefined
    throw error
  }
}

/** The parts of the content; with log probabilities it is longer than its texts. */
const isContentPath = (path: Path): boolean =>
  path.length <= 2 && (path.at(-1) === 'choices' || path.at(-1) === 'output')

/** The place of an error; an empty one means no error. */
const isErrorPath = (path: Path): boolean => path.length <= 2 && path.at(-1) === 'error'
