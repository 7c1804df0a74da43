import * as z from 'zod'
import { piecesOf, shownIn } from '../../image/markdown-images'
import { decodeBase64 } from '../../streams/base64'
import type { Bytes } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { UnexpectedEnd } from '../../streams/json-faults'
import { EventStream } from '../../streams/server-events'
import { formedAnswer, openedData } from './answer-form'
import { camelCased, camelName } from './camel-case'
import { readingImage } from './http'
import { pictureString } from './picture-string'
import { valueAt } from './picture-text'
import type { ProviderEvent, Work } from '../provider'
import { unreadableError } from './unusable-answer'
import { memoized, withdrawnUnless } from './withdrawn'

/** The last characters of the answer that are searched for a picture's link. */
const MAX_SEARCHED_TEXT = 64 * 1024

/** The findings in an answer besides pictures with bytes. */
interface Findings {
  isMade: boolean
  links: string[]
  words: string
}

/**
 * Streams the final picture of an answer of the Gemini API: JSON, a list of it, or events. Relays send pictures as
 * links too, and in the words of a part (protocols §3.3). Throws ProviderError.
 */
export async function* finalPicture(
  response: Response,
  work: Pick<Work, 'download'>,
): AsyncGenerator<ProviderEvent, { said: unknown; isMade: boolean }> {
  const { isEvents, bytes, head } = await formedAnswer(response)
  const findings: Findings = { isMade: false, links: [], words: '' }
  let said: unknown = {}
  try {
    for await (const text of isEvents ? eventTexts(bytes) : [bytes]) said = joined(said, yield* passOn(text, findings))
    const link = findings.links[0] ?? shownIn(findings.words)
    if (!findings.isMade && link !== undefined) {
      findings.isMade = true
      yield {
        type: 'image',
        index: 0,
        bytes: readingImage(work.download(link, { isFromWords: findings.links.length === 0 })),
      }
    }
    if (!findings.isMade && isEvents && !isWhole(said)) throw new UnexpectedEnd()
    return { said, isMade: findings.isMade }
  } catch (error) {
    throw unreadableError(error, response, { isMade: findings.isMade, head: head() })
  }
}

/** The JSON texts in a stream of events. Other data is skipped. */
async function* eventTexts(bytes: Bytes): AsyncGenerator<Bytes, void> {
  for await (const { data } of new EventStream(bytes).events()) {
    const { is, all } = await openedData(data)
    if (is === 'last') return
    if (is === 'json') yield all
  }
}

/** A later text of one answer completes the earlier ones. */
const joined = (before: unknown, said: unknown): unknown =>
  [before, said].flat().reduce<object>((all, each) => ({ ...all, ...(typeof each === 'object' ? each : {}) }), {})

const ending = z.union([
  z.object({ error: z.unknown() }).refine(({ error }) => Boolean(error)),
  z.object({ promptFeedback: z.looseObject({}) }),
  z.object({ candidates: z.array(z.unknown()).refine((all) => all.some((each) => valueAt(each, 'finishReason'))) }),
])
const isWhole = (said: unknown): boolean => ending.safeParse(said).success

/**
 * Passes on the first final picture of a text, unless there was one. The mark of a draft (`thought`) may stand behind
 * the picture. A picture that turns out to be a draft is withdrawn at its last byte.
 */
async function* passOn(bytes: Bytes, findings: Findings): AsyncGenerator<ProviderEvent, unknown> {
  const json = new JsonStream(bytes, (path) => roleOf(path) !== undefined)
  const others: Other[] = []
  const pictures = picturesIn(json, others)
  try {
    let next = await pictures.next()
    while (!next.done) {
      const { path, base64 } = next.value
      if (findings.isMade || isDraft(json.soFar(), path)) {
        next = await pictures.next()
        continue
      }
      const following = memoized(() => pictures.next())
      const said = async (): Promise<unknown> => ((await following()).done ? json.value() : json.soFar())
      const isFinal = async (): Promise<boolean> => !isDraft(await said(), path)
      yield { type: 'image', index: 0, bytes: readingImage(withdrawnUnless(isFinal, decodeBase64(base64))) }
      findings.isMade = await isFinal()
      next = await following()
    }
  } finally {
    await pictures.return()
  }
  const said = json.value()
  for (const other of others) if (!isDraft(said, other.path)) note(other, findings)
  return camelCased(said)
}

/** A link or words of a part. */
type Other = { path: Path } & ({ link: string } | { words: string })

function note(other: Other, findings: Findings): void {
  if ('link' in other) findings.links.push(other.link)
  else findings.words = (findings.words + other.words).slice(-MAX_SEARCHED_TEXT)
}

/** The pictures of a text with bytes. The links and words between them are noted in `others`. */
async function* picturesIn(
  json: JsonStream,
  others: Other[],
): AsyncGenerator<{ path: Path; base64: Bytes }, void, undefined> {
  for await (const { path, bytes } of json.strings()) {
    const role = roleOf(path)
    if (role === 'text') {
      for await (const piece of piecesOf(bytes)) {
        if (typeof piece === 'string') others.push({ path, words: piece.slice(-MAX_SEARCHED_TEXT) })
        else yield { path, base64: piece }
      }
    } else if (role === 'picture') {
      const picture = await pictureString(bytes, camelName(String(path.at(-1))) === 'data')
      if ('link' in picture) others.push({ path, link: picture.link })
      else if ('base64' in picture) yield { path, base64: picture.base64 }
    }
  }
}

type Role = 'picture' | 'text' | 'signature'

const ROLES: ReadonlyMap<string, Role> = new Map([
  ['inlineData data', 'picture'],
  ['fileData fileUri', 'picture'],
  ['text', 'text'],
  // A signature is as large as a picture and is skipped.
  ['thoughtSignature', 'signature'],
])

/** The role of a string of any candidate's part. A list may stand around the answer. */
function roleOf(path: Path): Role | undefined {
  const [candidates, candidate, content, parts, part, ...names] = typeof path[0] === 'number' ? path.slice(1) : path
  if (candidates !== 'candidates' || content !== 'content' || parts !== 'parts') return undefined
  if (typeof candidate !== 'number' || typeof part !== 'number') return undefined
  return ROLES.get(names.map((name) => camelName(String(name))).join(' '))
}

const draftPart = z.object({ thought: z.boolean().nullish() }).catch({})

/** Whether the answer so far marks the part of a path as a draft. */
const isDraft = (said: unknown, path: Path): boolean =>
  draftPart.parse(path.slice(0, path.indexOf('parts') + 2).reduce(valueAt, said)).thought === true
