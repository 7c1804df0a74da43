import { isFault } from './fake-openai-faults.ts'

/** What a prompt tells the fake to do. */
export interface Markers {
  delayMs: number
  /** The length of each picture. */
  bytes: number | undefined
  fault: string | undefined
  /** A fault that happens only to the first call with this prompt. */
  once: string | undefined
  /** The same for the first two, which is as often as the gateway asks. */
  twice: string | undefined
  /** The form in which pictures are handed over. */
  as: string | undefined
  /** How many pictures are answered, whatever was asked for. */
  pictures: number | undefined
  pretty: boolean
  /** How long each frame of a stream waits after the one before it. */
  paceMs: number
  /** Whether a stream's frames have no `event:` lines. */
  nameless: boolean
  /** Whether a stream ends with `data: [DONE]`. */
  done: boolean
  /** Of an upstream that knows nothing of streams, and refuses what asks for one: whether it says why. */
  noStream: 'named' | 'unnamed' | undefined
  /** Whether it is one that answers as if no stream had been asked for. */
  ignoresStream: boolean
}

const anything = (): boolean => true
const isNumber = (value: string): boolean => /^\d+$/.test(value)
const isForm = (value: string): boolean =>
  ['url', 'url-gone', 'data-url', 'data-url-in-url', 'both', 'escaped'].includes(value)

const CHECKS: Record<string, (value: string) => boolean> = {
  delay: isNumber,
  bytes: isNumber,
  fault: isFault,
  once: isFault,
  twice: isFault,
  as: isForm,
  pictures: isNumber,
  pretty: anything,
  pace: isNumber,
  nameless: anything,
  done: anything,
  'no-stream': (value) => value === '' || value === 'unnamed',
  'ignores-stream': anything,
}

/** Reads the markers (`@word` or `@word=value`) of a prompt; a misspelt one is a problem, since it would make a test hollow. */
export function markersOf(prompt: string): { markers: Markers } | { problem: string } {
  const found = new Map<string, string>()
  for (const [, name = '', value = ''] of prompt.matchAll(/(?:^|\s)@([a-z]+(?:-[a-z]+)*)(?:=([\w-]+))?/g)) {
    if (!Object.hasOwn(CHECKS, name) || !CHECKS[name]?.(value))
      return { problem: `The fake knows no '@${name}=${value}'.` }
    found.set(name, value)
  }
  const number = (name: string): number | undefined => (found.has(name) ? Number(found.get(name)) : undefined)
  const markers = {
    delayMs: number('delay') ?? 0,
    bytes: number('bytes'),
    fault: found.get('fault'),
    once: found.get('once'),
    twice: found.get('twice'),
    as: found.get('as'),
    pictures: number('pictures'),
    pretty: found.has('pretty'),
    paceMs: number('pace') ?? 0,
    nameless: found.has('nameless'),
    done: found.has('done'),
    noStream: noStreamOf(found.get('no-stream')),
    ignoresStream: found.has('ignores-stream'),
  }
  return { markers }
}

const noStreamOf = (value: string | undefined): Markers['noStream'] =>
  value === undefined ? undefined : value === '' ? 'named' : 'unnamed'
