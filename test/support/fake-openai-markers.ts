import { isFault } from './fake-openai-faults.ts'

/** The orders of a prompt to the fake. */
export interface Markers {
  delayMs: number
  /** The length of each picture. */
  bytes: number | undefined
  fault: string | undefined
  /** A fault of the first call with this prompt alone. */
  once: string | undefined
  /** The same for the first two calls, as many as the gateway makes. */
  twice: string | undefined
  /** The form of the pictures. */
  as: string | undefined
  /** The number of pictures in the answer, whatever the request has. */
  pictures: number | undefined
  pretty: boolean
  /** The pause before each frame of a stream, in ms. */
  paceMs: number
  /** Whether a stream's frames have no `event:` lines. */
  nameless: boolean
  /** Whether a stream ends with `data: [DONE]`. */
  done: boolean
  /** For an upstream without streams that refuses one: whether it names the reason. */
  noStream: 'named' | 'unnamed' | undefined
  /** Whether it ignores the request for a stream. */
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

/**
 * Reads the markers (`@word` or `@word=value`) of a prompt. A misspelt one is an error, since a test would pass without
 * its fault.
 */
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
