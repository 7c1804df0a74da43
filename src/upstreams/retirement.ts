import { RETIRED, undated } from './built-in'
import type { Catalogue, Shutdown } from '../catalog/model'

/**
 * Who stands in, at a moment in ms since 1970, for a model that is shut down by then, or for a snapshot of it; undefined for
 * any other.
 */
export function successorOf(name: string, catalogue: Catalogue, nowMs: number): string | undefined {
  const { shutdown } = catalogue(name)
  if (shutdown) return isPast(shutdown, nowMs) ? shutdown.successor : undefined
  return RETIRED.get(name) ?? RETIRED.get(undated(name))
}

/** The shutdown that a model has yet before it at a moment, in ms since 1970; undefined where none is known. */
export function comingShutdown(name: string, catalogue: Catalogue, nowMs: number): Shutdown | undefined {
  const { shutdown } = catalogue(name)
  return shutdown && !isPast(shutdown, nowMs) ? shutdown : undefined
}

const isPast = ({ date }: Shutdown, nowMs: number): boolean => Date.parse(date) <= nowMs
