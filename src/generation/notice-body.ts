import type { Config } from '../config'
import { renderStoredNotice } from '../dialects'
import { imageReference, signedLink } from '../store/links'
import { DAY_MS } from '../runtime/durations'
import type { Snapshot } from '../ledger/snapshot'
import { generationJson } from '../wire/json'
import type { Notice } from './snapshot'

/** The least life of links in a notice, in ms: longer than all attempts to deliver it. */
export const NOTICE_LINKS_MS = 2 * DAY_MS

/** The type of an event. */
export const typeOf = ({ status }: Snapshot): string =>
  `image.generation.${status === 'succeeded' ? 'completed' : status}`

/** The JSON body of a notice; undefined for a dialect without words for it. */
export function bodyOf({ form, task, snapshot }: Notice, config: Config, nowMs: number): string | undefined {
  const settings = { ...config, imageUrlTtlSeconds: Math.max(config.imageUrlTtlSeconds, NOTICE_LINKS_MS / 1000) }
  const link = (key: string): string => signedLink(task.origin, key, settings, nowMs)
  if (!form) {
    const data = generationJson(snapshot, link, config.creditsPerUsd)
    return JSON.stringify({ type: typeOf(snapshot), timestamp: new Date(nowMs).toISOString(), data })
  }
  const { id: generation, request: requestId, createdMs: startedMs } = snapshot
  const naming = { team: task.payer.team, generation, requestId, startedMs }
  const reference = (key?: string): string => imageReference(naming, key, config)
  const words = renderStoredNotice(form, snapshot, { ...naming, link, reference })
  return words === undefined ? undefined : JSON.stringify(words)
}
