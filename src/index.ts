import { app } from './app'
import { sweepInputs } from './store/inputs'

export { Generation } from './generation/generation'
export { Directory } from './team/directory'
export { Team } from './team/team'
export { Account } from './upstreams/account'

/** One sweep may take 15 minutes (platform §1); the next one goes on. */
const PAGES_PER_SWEEP = 500

export default {
  fetch: app.fetch,
  /** Runs every day by the cron trigger of wrangler.toml. */
  scheduled: ({ scheduledTime }, env) => sweepInputs(env.IMAGES, scheduledTime, PAGES_PER_SWEEP),
} satisfies ExportedHandler<Env>
