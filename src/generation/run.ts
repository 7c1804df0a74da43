import type { Config } from '../config'
import type { PartialImage } from '../image/record'
import type { Progress } from './progress'
import type { RunPlan } from './run-plan'
import type { Task } from './task'

/** A run of a generation, and what it works with. */
export interface Run {
  task: Task
  plan: RunPlan
  /** Distinguishes the images of this run from those of others of the same generation. */
  id: string
  env: Env
  config: Config
  /** For how long it waits where all upstreams are busy, in ms. */
  patienceMs: number
  /** Whether somebody has handed it off, so that it sits out the rests that upstreams ask for. */
  isJob: boolean
  /** Aborted with a GatewayError when nobody wants the images any more. */
  cancel: AbortSignal
  /** What an earlier process had come to. */
  before: Progress | undefined
  /** Is told when an upstream takes the request, and of every image that is stored. */
  note: (progress: Progress) => void
  /** Is told what is only worth knowing while the images are made. */
  tell: (news: News) => void
}

/** When an upstream was asked, in ms since 1970; how far it is, by its own account, in whole percent; or a preview of what it is making. */
export type News = { startedMs: number } | { percent: number } | PartialImage
