import * as z from 'zod'
import { addUsage, isSameUsage } from '../../image/record'
import type { ImageRequest } from '../../image/request'
import { type Bytes, capped, peek, readStream, readText } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { TooLong } from '../../streams/json-faults'
import { EventStream, LAST_EVENT_DATA } from '../../streams/server-events'
import { bodyStream, readingImage } from './http'
import { pictureValue, unreadableError } from './json-pictures'
import { openaiSummary } from './openai-reply'
import { ProviderError, type ProviderEvent, type Summary, type Work } from '../provider'
import { unusableAnswer } from './unusable-answer'

/** The pictures and previews of an answer in server-sent events, up to `n` pictures. */
export async function* streamedImages(
  response: Response,
  { n }: ImageRequest,
  work: Work,
  failureOf: (said: unknown) => ProviderError,
  summaryIn: (said: unknown) => Summary = openaiSummary,
): AsyncGenerator<ProviderEvent, void> {
  const made: Summary[] = []
  let partial = 0
  try {
    for await (const { name, data } of new EventStream(readStream(bodyStream(response))).events()) {
      const { head, all } = await peek(data, LAST_EVENT_DATA.length)
      if (head.length === 0) continue
      if (new TextDecoder().decode(head) === LAST_EVENT_DATA) {
        if (made.length === 0) throw unusableAnswer(response, 'ended its answer without a picture', { isEmpty: false })
        break
      }
      const { role, said, hasPicture } = yield* passOnPicture(
        { name, data: all },
        { index: made.length, partial },
        work,
      )
      const failure = eventErrorIn(role, said)
      if (failure && made.length === 0) throw failureOf(failure)
      if (failure) throw new ProviderError('lost', 'failed in the middle of its answer')
      if (!hasPicture) continue
      partial = role === 'partial' ? partial + 1 : 0
      if (role === 'image') made.push(summaryIn(said))
      // The sender may keep the connection open after the pictures, so this does not wait for its end.
      if (made.length === n) break
    }
    if (made.length === 0) throw new ProviderError('lost', 'broke off its answer')
    yield { type: 'summary', summary: mergedSummary(made) }
  } catch (error) {
    throw unreadableError(error, response, { isMade: true, head: new Uint8Array(0) })
  }
}

type EventRole = 'partial' | 'image' | 'error'

/** The role of an event by its name in the APIs for generations and edits. */
function eventRole(name: string | undefined): EventRole | undefined {
  if (name === 'error') return 'error'
  if (name?.endsWith('.partial_image')) return 'partial'
  return name?.endsWith('.completed') ? 'image' : undefined
}

const MAX_TYPE_BYTES = 256

const isEventString = ([name, ...deeper]: Path): boolean =>
  (name === 'type' || name === 'b64_json' || name === 'url') && deeper.length === 0

interface EventContent {
  role: EventRole | undefined
  /** Its JSON without the taken strings. */
  said: unknown
  hasPicture: boolean
}

/**
 * Passes on the picture of an event. The role must be known first: by the event's name, or by the `type` in front of
 * the picture.
 */
async function* passOnPicture(
  { name, data }: { name: string | undefined; data: Bytes },
  place: { index: number; partial: number },
  work: Work,
): AsyncGenerator<ProviderEvent, EventContent> {
  const json = new JsonStream(data, isEventString)
  let role = eventRole(name)
  let url: string | undefined
  let hasPicture = false
  for await (const { path, bytes } of json.strings()) {
    if (path[0] === 'type') {
      role ??= eventRole(await readText(capped(bytes, MAX_TYPE_BYTES, () => new TooLong())))
      continue
    }
    const picture = await pictureValue(bytes)
    if (typeof picture === 'string') url = picture
    else if (picture && !hasPicture) {
      hasPicture = true
      yield pictureEvent(role, place, picture)
    }
  }
  const said = json.value()
  if (url === undefined || hasPicture) return { role, said, hasPicture }
  yield pictureEvent(role, place, readingImage(work.download(url)))
  return { role, said, hasPicture: true }
}

function pictureEvent(
  role: EventRole | undefined,
  { index, partial }: { index: number; partial: number },
  bytes: Bytes,
): ProviderEvent {
  if (role === 'partial') return { type: 'partial', index, partial, bytes }
  if (role === 'image') return { type: 'image', index, bytes }
  throw new ProviderError('lost', 'sent an image without saying what it is')
}

const errorEnvelope = z.object({ error: z.looseObject({}) })

/** The error of an event in an answer's envelope. An error event may lack the envelope. */
function eventErrorIn(role: EventRole | undefined, said: unknown): unknown {
  if (errorEnvelope.safeParse(said).success) return said
  return role === 'error' ? { error: said } : undefined
}

/** Adds up usage and cost of all pictures. The other facts come from the last one. */
export function mergedSummary(made: Summary[]): Summary {
  const costs = made.flatMap(({ cost }) => cost ?? [])
  const [first, ...others] = made.map(({ usage }) => usage)
  const isRepeated = first && others.length > 0 && others.every((each) => each && isSameUsage(each, first))
  return {
    ...made.at(-1),
    ...(costs.length > 0 ? { cost: costs.reduce((sum, cost) => sum + cost) } : {}),
    usage: made
      .map(({ usage }) => usage)
      .reduce((sum, usage) => (sum && usage ? addUsage(sum, usage) : (sum ?? usage))),
    ...(isRepeated ? { usageOfEach: first } : {}),
    revisedPrompts: made.flatMap(({ revisedPrompts }) => revisedPrompts ?? []),
  }
}
