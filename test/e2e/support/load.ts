import { quoteOf } from './money.ts'
import type { Hook, Receiver } from './receiver.ts'

/** One request of a load, with a prompt of its own. */
export interface LoadRequest {
  way: 'plain' | 'stream' | 'job'
  team: keyof LoadKeys
  key: string
  prompt: string
  headers: Record<string, string>
  /** Its webhook URL. */
  hook: Hook | undefined
  /** Whether the upstream refuses it. */
  isRefused: boolean
}

/** A key of each team. */
export interface LoadKeys {
  /** Of a team without a queue. */
  open: string
  /** Of a team with a small concurrency. */
  queue: string
}

/** The parts of a load that differ from request to request. */
interface Kind {
  way: LoadRequest['way']
  team: keyof LoadKeys
  hasHook: boolean
}

/** The kinds of requests in turn: some wait in the queue of a team. */
const KINDS: readonly Kind[] = [
  { way: 'plain', team: 'open', hasHook: false },
  { way: 'job', team: 'queue', hasHook: false },
  { way: 'stream', team: 'open', hasHook: false },
  { way: 'job', team: 'open', hasHook: true },
  { way: 'plain', team: 'queue', hasHook: false },
  { way: 'plain', team: 'open', hasHook: true },
  { way: 'job', team: 'queue', hasHook: true },
  { way: 'stream', team: 'open', hasHook: true },
  { way: 'plain', team: 'open', hasHook: false },
  { way: 'job', team: 'open', hasHook: false },
]

/** The time of the upstream for a picture, in ms. */
const DELAYS_MS = [0, 0, 100, 300, 700, 1500, 2500]

/** The previews of a streamed request. */
export const PARTIALS = 2

/** One of so many requests is refused by the upstream. */
const REFUSED_EACH = 23

/** A generator of numbers from 0 to 1, by the Mulberry32 algorithm. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The different requests of one round. */
export function loadOf(
  round: number,
  size: number,
  { keys, receiver, random }: { keys: LoadKeys; receiver: Receiver; random: () => number },
): LoadRequest[] {
  const kinds = Array.from({ length: Math.ceil(size / KINDS.length) }, () => KINDS).flat()
  return kinds.slice(0, size).map(({ way, team, hasHook }, number) => {
    const delayMs = DELAYS_MS[Math.floor(random() * DELAYS_MS.length)] ?? 0
    const isRefused = (round * size + number) % REFUSED_EACH === REFUSED_EACH - 1
    const pace = way === 'stream' ? ` @pace=${Math.floor(delayMs / 3)}` : ` @delay=${delayMs}`
    const hook = hasHook ? receiver.hook() : undefined
    return {
      way,
      team,
      key: keys[team],
      prompt: `A ${'very '.repeat(number % 4)}old mill, ${round}-${number}${pace}${isRefused ? ' @fault=moderation' : ''}`,
      // A retry with its Idempotency-Key has the event of the first request.
      headers: hook ? { 'x-webhook-url': hook.url, 'idempotency-key': `mill-${round}-${number}` } : {},
      hook,
      isRefused,
    }
  })
}

/** Micro-USD for the previews of a stream: 100 tokens each. */
const PREVIEW_PRICE = 3000

/** The quote of a request, in micro-USD. */
export const quoteOfRequest = ({ way, prompt }: LoadRequest): number =>
  quoteOf(prompt) + (way === 'stream' ? PARTIALS * PREVIEW_PRICE : 0)
