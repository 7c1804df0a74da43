import type { Subscribers } from './subscribers'
import type { ProgressWebhooks } from './progress-webhooks'
import type { Jobs } from './jobs'
import type { GenerationStore } from './generation-store'
import type { Outbox } from './outbox'
import type { RunPlans } from './run-plans'

/** What a generation works with. */
export interface GenerationContext {
  ctx: DurableObjectState
  env: Env
  store: GenerationStore
  jobs: Jobs
  outbox: Outbox
  plans: RunPlans
  progressWebhooks: ProgressWebhooks
  subscribers: Subscribers
  /** What is only known while a run is in hand. */
  live: Live
}

/** When the upstream was asked, in ms since 1970, and how far it is, by its own account, in whole percent. */
interface Live {
  startedMs?: number
  percent?: number
}
