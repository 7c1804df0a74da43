import * as z from 'zod'
import { MAX_URL_BYTES } from '../../runtime/public-url'
import { type Bytes, capped, peek, readStream, readText } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { TooLong } from '../../streams/json-faults'
import { bodyStream, unexpectedAnswer } from './http'

/** Names on the way to a picture in a finished task (protocols §6.14). Inputs, previews and callbacks have others. */
const CONTAINERS = new Set(['data', 'task', 'task_result', 'response', 'content'])
const LINK_NAMES = 'url urls image_url image_urls imageUrl imageUrls result_url result_urls'
const LIST_NAMES = 'image images result results output outputs'
const BASE64 = 'b64_json'
const LEAVES = new Set([BASE64, ...LINK_NAMES.split(' '), ...LIST_NAMES.split(' ')])

const namesOf = (path: Path): string[] => path.filter((part) => typeof part === 'string')

/** Whether a string at a path may be a picture: its base64 or its link. */
function isPicturePath(path: Path): boolean {
  const names = namesOf(path)
  const last = names.at(-1)
  return last !== undefined && LEAVES.has(last) && names.every((name) => CONTAINERS.has(name) || LEAVES.has(name))
}

/** The entry of a picture. Its link and its base64 are one picture. */
const entryOf = (path: Path): string => JSON.stringify(typeof path.at(-1) === 'number' ? path : path.slice(0, -1))

/** A picture of a finished task: its link, or its base64 in the answer if it has none. */
export interface TaskPicture {
  entry: string
  link: string | undefined
}

export interface TaskReading {
  /** The answer without its pictures. */
  said: unknown
  pictures: TaskPicture[]
}

/** Reads a task's state. The pictures stay behind their links, and base64 is skipped. Throws ProviderError. */
export async function readTask(response: Response): Promise<TaskReading> {
  const found = new Map<string, TaskPicture & { isListed: boolean }>()
  const json = new JsonStream(readStream(bodyStream(response)), isPicturePath)
  try {
    for await (const { path, bytes } of json.strings()) {
      const value = await valueOf(path, bytes)
      if (value === undefined) continue
      const entry = entryOf(path)
      const link =
        'link' in value && !(found.has(entry) && found.get(entry)?.link === undefined) ? value.link : undefined
      found.set(entry, { entry, link, isListed: path.some((part) => typeof part === 'number') })
    }
    return { said: json.value(), pictures: distinct([...found.values()]) }
  } catch (error) {
    throw unexpectedAnswer(response, error)
  }
}

async function valueOf(path: Path, bytes: Bytes): Promise<{ link: string } | { base64: true } | undefined> {
  const { head, all } = await peek(bytes, 'data:image/'.length)
  const start = new TextDecoder().decode(head)
  if (/^https?:/.test(start)) return { link: await readText(capped(all, MAX_URL_BYTES, () => new TooLong())) }
  const isBase64 = start.startsWith('data:image/') || (namesOf(path).at(-1) === BASE64 && start !== '')
  return isBase64 ? { base64: true } : undefined
}

/** Some relays repeat the first picture beside the list of them. */
function distinct(all: (TaskPicture & { isListed: boolean })[]): TaskPicture[] {
  const listed = all.some(({ isListed }) => isListed) ? all.filter(({ isListed }) => isListed) : all
  return listed
    .filter(({ link }, at) => link === undefined || listed.findIndex((each) => each.link === link) === at)
    .map(({ entry, link }) => ({ entry, link }))
}

/** The index of a picture at a path of a second answer. */
export const indexAmong =
  (pictures: readonly TaskPicture[]): ((path: Path) => number | undefined) =>
  (path) => {
    if (!isPicturePath(path)) return undefined
    const index = pictures.findIndex(({ entry }) => entry === entryOf(path))
    return index === -1 ? undefined : index
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
