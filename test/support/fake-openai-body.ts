import { silence, wait } from './delays.ts'
import { type Picture, base64Length, base64Of } from './fake-picture.ts'

/** The pictures of an answer, and the marks for their base64 in its template. */
export class Gallery {
  readonly pictures: Picture[] = []
  readonly #mark = crypto.randomUUID()

  hang(picture: Picture): string {
    return `${this.#mark}:${this.pictures.push(picture) - 1};`
  }

  /** The template's texts and pictures, each text no longer than its frame of a stream. */
  split(template: string): (string | Picture)[] {
    const parts = template.split(new RegExp(`${this.#mark}:(\\d+);`))
    return parts.flatMap((part, position) =>
      position % 2 === 0 ? part.split(/(?<=\n\n)/) : [this.pictures[Number(part)] ?? part],
    )
  }
}

/** Faults in the middle of a picture: the first, the second, or the first preview. */
const SPOILING = [
  'cut',
  'cut-second',
  'cut-partial',
  'silence-mid-body',
  'silence-second',
  'bad-base64',
  'bad-partial',
] as const

export interface BodyOptions {
  fault: string | undefined
  /** The number of previews before each picture. */
  partials: number
  /** Whether every slash of the base64 is escaped, as JSON allows. */
  escaped: boolean
  /** The pause before each frame of a stream, in ms. */
  paceMs: number
}

/** Fills a template with its pictures' base64. Each piece has at most 64 KiB and the index of its part. */
export async function* fill(
  parts: (string | Picture)[],
  { escaped, paceMs, partials, ...asked }: BodyOptions,
  signal: AbortSignal,
): AsyncGenerator<{ text: string; at: number }, void> {
  const fault = SPOILING.find((name) => name === asked.fault)
  let before = fault ? picturesBefore(fault, partials) : 0
  for (const [at, part] of parts.entries()) {
    if (typeof part === 'string') {
      const previous = parts[at - 1]
      if (paceMs > 0 && typeof previous === 'string' && previous.endsWith('\n\n')) await wait(paceMs, signal)
      if (part !== '') yield { text: part, at }
      continue
    }
    const middle = Math.floor(base64Length(part) / 2)
    const texts = fault && before-- === 0 ? spoil(base64Of(part), fault, middle, signal) : base64Of(part)
    for await (const text of texts) yield { text: escaped ? text.replaceAll('/', '\\/') : text, at }
  }
}

/** The number of pictures and previews before the one with the fault. */
function picturesBefore(fault: (typeof SPOILING)[number], partials: number): number {
  if (fault.endsWith('-partial')) return partials === 0 ? Infinity : 0
  return fault.endsWith('-second') ? 2 * partials + 1 : partials
}

async function* spoil(
  texts: Iterable<string>,
  fault: (typeof SPOILING)[number],
  middle: number,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  let sent = 0
  for (const text of texts) {
    const isMiddle = sent <= middle && middle < sent + text.length
    const before = text.slice(0, middle - sent)
    sent += text.length
    if (!isMiddle) {
      yield text
      continue
    }
    if (before !== '') yield before
    if (fault.startsWith('cut')) throw new Error('The fake broke the connection.')
    if (fault.startsWith('silence')) await silence(signal)
    yield `!${text.slice(before.length + 1)}`
  }
}

/** A stream of bytes that makes a piece on demand, and breaks when the request is aborted. */
export function streamOf(
  pieces: AsyncGenerator<Uint8Array, void>,
  signal: AbortSignal,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
    },
    async pull(controller) {
      const { value, done } = await pieces.next()
      if (signal.aborted) return
      if (!done) return controller.enqueue(value)
      controller.close()
      controller.byobRequest?.respond(0)
    },
    async cancel() {
      onCancel()
      await pieces.return()
    },
  })
}
