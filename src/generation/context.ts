import type { Subscribers } from './subscribers'
import type { ProgressWebhooks } from './progress-webhooks'
import type { Jobs } from './jobs'
import type { GenerationStore } from './generation-store'
import type { Outbox } from './outbox'
import type { RunPlans } from './run-plans'
import type { Schedule } from './schedule'

/** The parts of a generation. */
export interface GenerationContext {
  ctx: DurableObjectState
  env: Env
  store: GenerationStore
  jobs: Jobs
  outbox: Outbox
  schedule: Schedule
  plans: RunPlans
  progressWebhooks: ProgressWebhooks
  subscribers: Subscribers
  /** Facts about the current run, in memory alone. */
  live: Live
}

/** The start of the first call, in ms since 1970, and the upstream's progress in whole percent. */
interface Live {
  startedMs?: number
  percent?: number
}
