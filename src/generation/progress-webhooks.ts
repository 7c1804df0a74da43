import { configOf } from '../config'
import { attemptWebhook } from '../webhooks/attempt'
import { webhookSecrets } from '../webhooks/signing'
import { describe, log } from '../runtime/log'
import { askTeam } from '../team/ask-team'
import type { Jobs } from './jobs'
import { bodyOf } from './notice-body'
import type { Notice } from './snapshot'

/** Nobody is told more often how far a run is, in ms. */
const EVERY_MS = 3000

/**
 * Tells the URLs that bodies have named how far a run is, where their dialects have words for that: each once, whether it
 * arrives or not, and without the run waiting for it. How the run ends is for the outbox to tell.
 */
export class ProgressWebhooks {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #jobs: Jobs
  /** Receivers that have not answered yet, each with its team. */
  readonly #busy = new Set<string>()
  #nextMs = 0

  constructor(ctx: DurableObjectState, env: Env, jobs: Jobs) {
    this.#ctx = ctx
    this.#env = env
    this.#jobs = jobs
  }

  /** Is told how far the run is, in whole percent. */
  tell(percent: number): void {
    const now = Date.now()
    if (now < this.#nextMs) return
    this.#nextMs = now + EVERY_MS
    for (const notice of this.#jobs.progressNotices(percent)) this.#ctx.waitUntil(this.#send(notice, percent, now))
  }

  async #send(notice: Notice, percent: number, nowMs: number): Promise<void> {
    const { id, url, task } = notice
    const { team } = task.payer
    const receiver = `${team} ${url}`
    if (this.#busy.has(receiver)) return
    this.#busy.add(receiver)
    try {
      const config = configOf(this.#env)
      const body = bodyOf(notice, config, nowMs)
      if (body === undefined || url === undefined) return
      const facts = await askTeam(this.#env, team, async (stub) => await stub.webhook())
      // What an earlier team of that id has asked for is none of this one's business.
      if (!facts.ok || notice.snapshot.createdMs < facts.value.teamCreatedMs) return
      // Of what has ended meanwhile, nobody is told that it runs.
      if (!this.#jobs.progressNotices(percent).some((each) => each.id === id)) return
      const secrets = webhookSecrets(team, facts.value.versions, config.signingSecret)
      await attemptWebhook({ id, url, body }, secrets, config, nowMs)
    } catch (error) {
      log('bulletin-not-sent', { delivery: id, team, ...describe(error) })
    } finally {
      this.#busy.delete(receiver)
    }
  }
}
