import type { Config } from '../config'
import { type Able, ableToServe } from '../upstreams/able'
import type { Task } from './task'

/**
 * Who may serve a task that was asked for at a moment, in ms since 1970, as it is to be sent: a run that outlives its model is
 * still that model's. Of one that is to be exact, only those who need not change it.
 */
export function whoMayServe(
  { request, isExact }: Pick<Task, 'request' | 'isExact'>,
  config: Config,
  askedMs: number,
): Able[] {
  const able = ableToServe(request, config, askedMs)
  return isExact ? able.filter(({ adjustments }) => adjustments.length === 0) : able
}

/** One that took all its time can be made up for by another. */
const TRIES = 2
/** For how long a run waits for an upstream where nobody waits for it, in ms. */
export const JOB_PATIENCE_MS = 3_600_000

/** Within which time a run asks upstreams for n pictures, in ms; the last one that it asks then has its own time. */
export const runMs = (able: readonly Able[], n: number): number =>
  TRIES * longestMs(able) * Math.ceil(n / fewestOf(able, n))

/** How long one call of any of them may take, in ms. */
export const longestMs = (able: readonly Able[]): number =>
  Math.max(0, ...able.map(({ upstream }) => upstream.timeoutMs))

/** How many of n pictures any call of any of them makes at least. */
export const fewestOf = (able: readonly Able[], n: number): number => Math.min(n, ...able.map(({ perCall }) => perCall))
