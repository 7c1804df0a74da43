import { quote } from '../catalog/quote'
import { type Config, configOf } from '../config'
import { candidates } from '../upstreams/candidates'
import { pricesFor } from '../upstreams/catalogue'
import { fitCandidates, type FittedCandidate } from '../upstreams/route-plan'
import type { ImageRequestOf, InputImage } from '../image/request'
import type { PlacedOrder } from './state'
import type { Task } from './task'

/** The candidates of a run, and the figures that follow from them. */
export interface RunPlan<Input = InputImage> {
  candidates: readonly FittedCandidate<Input>[]
  /** The price of the dearest candidate in micro-USD; undefined without a known price. */
  quote: number | undefined
  /** The fewest images of any call. */
  fewestPerCall: number
  /** The longest time of any call, in ms. */
  longestCallMs: number
  /** The time for starting calls, in ms; the last call has its own time on top. */
  startWindowMs: number
}

type PlannedTask<Input> = Pick<Task, 'isExact'> & { request: ImageRequestOf<Input> }

/** Plans a run for a task that was asked for at a moment in ms since 1970. */
export function planRun<Input>(task: PlannedTask<Input>, config: Config, askedMs: number): RunPlan<Input> {
  const { n } = task.request
  const fitted = candidatesFor(task, config, askedMs)
  const quotes = fitted.map((each) => quoted(each, config))
  const fewestPerCall = Math.min(n, ...fitted.map(({ perCall }) => perCall))
  const longestCallMs = Math.max(0, ...fitted.map(({ upstream }) => upstream.timeoutMs))
  return {
    candidates: fitted,
    quote: quotes.every((each) => each !== undefined) ? Math.max(0, ...quotes) : undefined,
    fewestPerCall,
    longestCallMs,
    startWindowMs: TRIES * longestCallMs * Math.ceil(n / fewestPerCall),
  }
}

/** The patience of a job or a webhook with busy upstreams, in ms. */
const JOB_PATIENCE_MS = 3_600_000

/** The wait of a run for busy upstreams, in ms: a job has more patience than a client. */
export const patienceMsOf = (isAwaited: boolean, { queueWaitMs }: Pick<Config, 'queueWaitMs'>): number =>
  isAwaited ? JOB_PATIENCE_MS : queueWaitMs

/** Keeps the plan of the newest order, which its reservation and its calls share. A new process works it out anew. */
export class Plans {
  readonly #env: Env
  #newest: { reservation: string; plan: RunPlan } | undefined

  constructor(env: Env) {
    this.#env = env
  }

  of({ reservation, task, createdMs }: PlacedOrder): RunPlan {
    if (this.#newest?.reservation !== reservation)
      this.#newest = { reservation, plan: planRun(task, configOf(this.#env), createdMs) }
    return this.#newest.plan
  }
}

/** A run that outlives its model keeps the candidates of its start. An exact task has only those that need no change. */
function candidatesFor<Input>(
  { request, isExact }: PlannedTask<Input>,
  config: Config,
  askedMs: number,
): FittedCandidate<Input>[] {
  const fitted = fitCandidates(candidates(config, request.model, askedMs), request, config)
  return isExact ? fitted.filter(({ adjustments }) => adjustments.length === 0) : fitted
}

/** One call may take all its time and fail; a second one may follow. */
const TRIES = 2

/** The price of all calls in micro-USD, each with the whole prompt and all inputs. A fallback is free. */
function quoted({ upstream, request, perCall }: FittedCandidate<unknown>, config: Config): number | undefined {
  if (upstream.isFallback) return 0
  const { n, model } = request
  const prices = pricesFor(model, upstream.prices)
  const quoteFor = (images: number): number | undefined =>
    images === 0 ? 0 : quote({ ...request, n: images }, config.catalogue(model), prices)
  const [full, last] = [quoteFor(Math.min(n, perCall)), quoteFor(n > perCall ? n % perCall : 0)]
  return full === undefined || last === undefined ? undefined : Math.max(1, Math.floor(n / perCall)) * full + last
}
