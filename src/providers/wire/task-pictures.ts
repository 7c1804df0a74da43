import * as z from 'zod'
import { formedAnswer } from './answer-form'
import { unexpectedAnswer } from './http'
import { type LinkedPicture, PictureText } from './picture-text'
import type { Path } from '../../streams/json'

export interface TaskReading {
  /** The answer without its pictures. */
  said: unknown
  /** The entries of the pictures with base64, which was skipped. */
  embedded: Path[]
  /** The pictures with a link alone. */
  linked: LinkedPicture[]
}

/** Reads a task's state. The pictures stay behind their links, and base64 is skipped. Throws ProviderError. */
export async function readTask(response: Response): Promise<TaskReading> {
  const { bytes } = await formedAnswer(response)
  const text = new PictureText(bytes)
  const embedded: Path[] = []
  try {
    for await (const { entry } of text.pictures()) embedded.push(entry)
    return { said: text.said, embedded, linked: text.links() }
  } catch (error) {
    throw unexpectedAnswer(response, error)
  }
}

const described = z.object({ usage: z.unknown().optional(), data: z.unknown().optional() })
const nested = z.object({ data: z.unknown().optional(), result: z.unknown().optional() })

/** The object within a task that has the form of OpenAI's answer, by its usage or its list. */
export function answerIn(said: unknown): unknown {
  const { data, result } = nested.safeParse(said).data ?? {}
  const { data: inner, result: innerResult } = nested.safeParse(data).data ?? {}
  const all = [innerResult, inner, result, data, said].map((each) => ({ each, ...described.safeParse(each).data }))
  return (all.find(({ usage }) => usage) ?? all.find((each) => Array.isArray(each.data)))?.each ?? {}
}
