import * as z from 'zod'
import { addUsage, isSameUsage } from '../../image/record'
import type { Bytes } from '../../streams/bytes'
import type { Path } from '../../streams/json'
import { EventStream } from '../../streams/server-events'
import { openedData } from './answer-form'
import { readingImage } from './http'
import { optionalText } from './lenient'
import { PictureText } from './picture-text'
import { ProviderError, type ProviderEvent, type Summary, type Work } from '../provider'
import { unreadableError, unusableAnswer } from './unusable-answer'
import { memoized, withdrawnUnless } from './withdrawn'

/** The readers of an event besides its pictures. */
interface EventReaders {
  failureOf: (said: unknown) => ProviderError
  summaryIn: (said: unknown, entries: readonly Path[]) => Summary
}

/** The pictures and previews of an answer in server-sent events, up to `n` pictures. */
export async function* streamedImages(
  { response, bytes }: { response: Response; bytes: Bytes },
  n: number,
  work: Pick<Work, 'download'>,
  { failureOf, summaryIn }: EventReaders,
): AsyncGenerator<ProviderEvent, void> {
  const summaries: Summary[] = []
  const place = { index: 0, partial: 0 }
  try {
    for await (const { name, data } of new EventStream(bytes).events()) {
      const { is, all } = await openedData(data)
      if (is === 'last') {
        if (place.index === 0) throw unusableAnswer(response, 'ended its answer without a picture', { isEmpty: false })
        break
      }
      if (is === 'other') continue
      const { role, said, entries } = yield* passOnPictures({ name, data: all }, place, work)
      const failure = errorIn(role, said)
      if (failure && place.index === 0) throw failureOf(failure)
      if (failure) throw new ProviderError('lost', 'failed in the middle of its answer')
      if (role === 'partial') place.partial += entries.length
      else if (entries.length > 0) {
        place.index += entries.length
        place.partial = 0
        summaries.push(summaryIn(said, entries))
      }
      // The sender may keep the connection open after the pictures, so this does not wait for its end.
      if (place.index >= n) break
    }
    if (place.index === 0) throw new ProviderError('lost', 'broke off its answer')
    yield { type: 'summary', summary: mergedSummary(summaries) }
  } catch (error) {
    throw unreadableError(error, response, { isMade: true, head: new Uint8Array(0) })
  }
}

type EventRole = 'partial' | 'image' | 'error'

const eventWords = z
  .object({ type: optionalText, partial_image_index: z.unknown().optional() })
  .catch({ type: undefined })

/** The role of an event by its name, its type and its fields, as far as they are known. */
function eventRole(name: string | undefined, said: unknown): EventRole | undefined {
  const { type, partial_image_index: index } = eventWords.parse(said)
  const words = [name, type].filter((each) => typeof each === 'string')
  if (words.includes('error')) return 'error'
  if (index !== undefined || words.some((word) => PREVIEW.test(word))) return 'partial'
  return words.some((word) => word.endsWith('.completed')) ? 'image' : undefined
}

/** The words for a preview in the APIs for generations, edits and responses, and in those of relays. */
const PREVIEW = /partial|preview/i

interface EventContent {
  role: EventRole | undefined
  /** Its JSON without its pictures. */
  said: unknown
  /** The entries of its pictures. */
  entries: Path[]
}

/**
 * Passes on the pictures of an event. Without a role so far, it is no preview. It is withdrawn if the rest of the event
 * makes it one.
 */
async function* passOnPictures(
  { name, data }: { name: string | undefined; data: Bytes },
  { index, partial }: { index: number; partial: number },
  work: Pick<Work, 'download'>,
): AsyncGenerator<ProviderEvent, EventContent> {
  const text = new PictureText(data)
  const role = (): EventRole | undefined => eventRole(name, text.said)
  const found = text.pictures()
  const entries: Path[] = []
  const eventOf = (bytes: Bytes): ProviderEvent => {
    const at = entries.length - 1
    return role() === 'partial'
      ? { type: 'partial', index, partial: partial + at, bytes }
      : { type: 'image', index: index + at, bytes }
  }
  for (let next = await found.next(); !next.done;) {
    const { entry, bytes } = next.value
    const following = memoized(() => found.next())
    const isPicture = async (): Promise<boolean> => {
      await following()
      return role() !== 'partial'
    }
    entries.push(entry)
    yield eventOf(role() === undefined ? withdrawnUnless(isPicture, bytes) : bytes)
    next = await following()
  }
  for (const { entry, link } of text.links()) {
    entries.push(entry)
    yield eventOf(readingImage(work.download(link)))
  }
  return { role: role(), said: text.said, entries }
}

const errorEnvelope = z.object({ error: z.union([z.string().min(1), z.looseObject({})]) })

/** The error of an event in an answer's envelope. An error event may lack the envelope. */
function errorIn(role: EventRole | undefined, said: unknown): unknown {
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
