import { type Picture, base64Length, base64Of } from './fake-picture.ts'

/** The pictures of an answer, and the marks that stand for their base64 in its template. */
export class Gallery {
  readonly pictures: Picture[] = []
  readonly #mark = crypto.randomUUID()

  hang(picture: Picture): string {
    return `${this.#mark}:${this.pictures.push(picture) - 1};`
  }

  /** Texts and pictures of the template in turn. */
  split(template: string): (string | Picture)[] {
    const parts = template.split(new RegExp(`${this.#mark}:(\\d+);`))
    return parts.map((part, position) => (position % 2 === 0 ? part : (this.pictures[Number(part)] ?? part)))
  }
}

/** Faults in the middle of a picture: the first, or the second. */
const SPOILING = ['cut', 'cut-second', 'silence-mid-body', 'silence-second', 'bad-base64'] as const

export interface Spoiling {
  fault: string | undefined
  /** Whether every slash of the base64 is escaped, as JSON allows. */
  escaped: boolean
}

/** Fills a template with its pictures' base64, in pieces of at most 64 KiB. */
export async function* fill(
  parts: (string | Picture)[],
  spoiling: Spoiling,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const fault = SPOILING.find((name) => name === spoiling.fault)
  let before = fault?.endsWith('-second') ? 1 : 0
  for (const part of parts) {
    if (typeof part === 'string') {
      if (part !== '') yield part
      continue
    }
    const middle = Math.floor(base64Length(part) / 2)
    const texts = fault && before-- === 0 ? spoil(base64Of(part), fault, middle, signal) : base64Of(part)
    for await (const text of texts) yield spoiling.escaped ? text.replaceAll('/', '\\/') : text
  }
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

/** A stream of bytes that makes a piece only when it is asked for one, and breaks when the request is aborted. */
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

const FOREVER_MS = 2 ** 31 - 1

/** Holds a timer all the while, since workerd ends a request that waits for nothing that could come. */
export const silence = (signal: AbortSignal): Promise<void> => wait(FOREVER_MS, signal)

/** Rejects with the signal's reason when it is aborted, as `fetch` does. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
