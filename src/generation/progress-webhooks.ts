import { configOf } from '../config'
import { attemptWebhook } from '../webhooks/attempt'
import { webhookSecrets } from '../webhooks/signing'
import { describe, log } from '../runtime/log'
import { askTeam } from '../team/ask-team'
import type { Receivers } from './rows/receivers'
import { bodyOf } from './notice-body'
import type { Notice } from './snapshot'

/** The shortest time between two progress notices, in ms. */
const EVERY_MS = 3000

/**
 * Sends progress to URLs of request bodies, in the words of their dialects. Each notice has one attempt, and the run
 * does not wait for it. The outbox reports the end.
 */
export class ProgressWebhooks {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #receivers: () => Receivers
  /** Teams and URLs with an attempt in progress. */
  readonly #busy = new Set<string>()
  #nextMs = 0

  constructor(ctx: DurableObjectState, env: Env, receivers: () => Receivers) {
    this.#ctx = ctx
    this.#env = env
    this.#receivers = receivers
  }

  /** Receives the progress of the run, in whole percent. */
  report(percent: number): void {
    const now = Date.now()
    if (now < this.#nextMs) return
    this.#nextMs = now + EVERY_MS
    for (const notice of this.#receivers().progressNotices(percent))
      this.#ctx.waitUntil(this.#send(notice, percent, now))
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
      // A deleted team of the same id asked for this notice.
      if (!facts.ok || notice.snapshot.createdMs < facts.value.teamCreatedMs) return
      // The run may have ended meanwhile.
      if (
        !this.#receivers()
          .progressNotices(percent)
          .some((each) => each.id === id)
      )
        return
      const secrets = webhookSecrets(team, facts.value.versions, config.signingSecret)
      await attemptWebhook({ id, url, body }, secrets, config, nowMs)
    } catch (error) {
      log('bulletin-not-sent', { delivery: id, team, ...describe(error) })
    } finally {
      this.#busy.delete(receiver)
    }
  }
}
