import type { Config } from '../config'
import type { PartialImage } from '../image/record'
import type { LookAhead } from '../upstreams/accounts'
import type { Progress } from './progress'
import type { RunPlan } from './plan'
import type { Task } from './task'

/** A run of a generation, with all that it needs. */
export interface RunContext {
  task: Task
  plan: RunPlan
  /** Separates its images from those of other runs of the generation. */
  id: string
  env: Env
  config: Config
  /** The wait for busy upstreams, in ms. */
  patienceMs: number
  /** The accounts while the team decided on the order. */
  ahead: LookAhead | undefined
  /** Whether a job awaits the run, which then waits out cooldowns. */
  isJob: boolean
  /** Aborted with a GatewayError when the images are no longer wanted. */
  cancel: AbortSignal
  /** The progress of an earlier process. */
  before: Progress | undefined
  /** Stores the progress: after each accepted call and each image. */
  save: (progress: Progress) => void
  /** Reports facts that matter only while the run lasts. */
  report: (news: RunNews) => void
}

/** The start of a call in ms since 1970, the upstream's progress in whole percent, or a preview. */
export type RunNews = { startedMs: number } | { percent: number } | PartialImage
