import { retryAfterHeaderMs } from '../../runtime/retry-after'

const NUMBER = /^\d+(?:\.\d+)?$/
/** The longest wait that an upstream can ask for, in ms. */
const MAX_WAIT_MS = 3_600_000

/** The wait that an upstream asks for, in ms: by its headers, or else by its body. Undefined when it names none. */
export function retryAfterMs(
  { waitMs, message = '' }: { waitMs?: number | undefined; message?: string | undefined },
  headers = new Headers(),
): number | undefined {
  const waits = [waitOfHeaders(headers), waitMs, waitOfMessage(message)]
  const wait = waits.find((each) => each !== undefined && each >= 0)
  return wait === undefined ? undefined : Math.min(wait, MAX_WAIT_MS)
}

function waitOfHeaders(headers: Headers): number | undefined {
  const milliseconds = headers.get('retry-after-ms') ?? ''
  if (NUMBER.test(milliseconds)) return Number(milliseconds)
  return retryAfterHeaderMs(headers.get('retry-after'), Date.now())
}

/** Examples: "try again in 7h12m0s" (OpenAI), "retry after 7 seconds" (Azure), "resets in ~30s", "retry in 25.3s" (Google). */
const SAID = /(?:try again (?:in|after)|retry (?:in|after)|resets? (?:in|after)) (?:about |~)?(.*)/is
/** One part of a duration in any spelling of its unit. The next part may follow without a space. */
const PART = /[ ,]*(\d+(?:\.\d+)?) ?(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)(?![a-z])/giy
/** A bare number counts seconds, as in the header. */
const BARE = /^(\d+(?:\.\d+)?)(?=[.,;)]?(?:\s|$))/

/** A unit of time by its first letters, in ms. */
const UNITS: readonly (readonly [start: string, ms: number])[] = [
  ['ms', 1],
  ['mil', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]

const inMs = (unit: string): number => UNITS.find(([start]) => unit.toLowerCase().startsWith(start))?.[1] ?? 1000

function waitOfMessage(message: string): number | undefined {
  const [, said = ''] = SAID.exec(message) ?? []
  const parts = [...said.matchAll(PART)].map(([, amount, unit = '']) => Number(amount) * inMs(unit))
  if (parts.length > 0) return parts.reduce((sum, part) => sum + part, 0)
  const [, seconds] = BARE.exec(said) ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
