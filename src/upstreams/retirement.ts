import { RETIRED, withoutDate } from './built-in'
import type { Catalogue, Shutdown } from '../catalog/model'

/**
 * The successor of a model, or of its snapshot, after its shutdown. Undefined for a live model. The moment is in ms
 * since 1970.
 */
export function successorOf(name: string, catalogue: Catalogue, nowMs: number): string | undefined {
  const { shutdown } = catalogue(name)
  if (shutdown) return isPast(shutdown, nowMs) ? shutdown.successor : undefined
  return RETIRED.get(name) ?? RETIRED.get(withoutDate(name))
}

/** The coming shutdown of a model after a moment in ms since 1970; undefined without a known one. */
export function comingShutdown(name: string, catalogue: Catalogue, nowMs: number): Shutdown | undefined {
  const { shutdown } = catalogue(name)
  return shutdown && !isPast(shutdown, nowMs) ? shutdown : undefined
}

const isPast = ({ date }: Shutdown, nowMs: number): boolean => Date.parse(date) <= nowMs
