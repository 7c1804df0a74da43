import type { Config } from '../config'
import { noticeIn } from '../dialects'
import { imageReference, signedLink } from '../store/links'
import { DAY_MS } from '../runtime/durations'
import type { Snapshot } from '../ledger/snapshot'
import { generationJson } from '../wire/json'
import type { Notice } from './snapshot'

/** For how long links that a receiver is told work at least, in ms: longer than all attempts to tell it take together. */
export const TOLD_LINKS_MS = 2 * DAY_MS

/** What kind of event a generation's end is. */
export const typeOf = ({ status }: Snapshot): string =>
  `image.generation.${status === 'succeeded' ? 'completed' : status}`

/** What a receiver is told, as JSON; undefined where the words are a dialect's that does not tell that. */
export function bodyOf({ form, task, snapshot }: Notice, config: Config, nowMs: number): string | undefined {
  const settings = { ...config, imageUrlTtlSeconds: Math.max(config.imageUrlTtlSeconds, TOLD_LINKS_MS / 1000) }
  const link = (key: string): string => signedLink(task.origin, key, settings, nowMs)
  if (!form) {
    const data = generationJson(snapshot, link, config.creditsPerUsd)
    return JSON.stringify({ type: typeOf(snapshot), timestamp: new Date(nowMs).toISOString(), data })
  }
  const { id: generation, request: requestId, createdMs: startedMs } = snapshot
  const naming = { team: task.payer.team, generation, requestId, startedMs }
  const reference = (key?: string): string => imageReference(naming, key, config)
  const words = noticeIn(form, snapshot, { ...naming, link, reference })
  return words === undefined ? undefined : JSON.stringify(words)
}
