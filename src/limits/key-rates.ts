import type { Failure } from '../failures/errors'
import { type Meter, meterAt, minuteBucket } from './meter'

/** Actions of keys that cost no image and are limited all the same. */
const WORDS = {
  lists: 'lists and reports',
  webhooks: 'requests with a webhook URL',
}
export type RatedAction = keyof typeof WORDS

/** The actions of each key in the last minute. They are in memory alone, since an object at rest has none. */
export class KeyRates {
  readonly #meters = new Map<string, Meter>()

  /** Counts an action of a key, or refuses it at more than `perMinute` actions a minute. */
  count(action: RatedAction, key: string, perMinute: number, nowMs: number): Failure | undefined {
    const name = `${action} ${key}`
    const limits = { requests_per_minute: perMinute }
    const meter = meterAt(this.#meters.get(name), limits, nowMs)
    const { left, backMs } = minuteBucket(meter, limits, nowMs) ?? { left: Infinity, backMs: 0 }
    if (left < 1) return tooMany(action, perMinute, backMs)
    this.#meters.set(name, { ...meter, level: meter.level + 1 })
    return undefined
  }
}

const tooMany = (action: RatedAction, perMinute: number, retryAfterMs: number): Failure => ({
  code: 'rate_limited',
  message: `Rate limit reached for this key: ${perMinute} ${WORDS[action]} per minute. Try again in ${Math.ceil(retryAfterMs / 1000)}s.`,
  reason: 'rate_limit_exceeded',
  retryAfterMs,
})
