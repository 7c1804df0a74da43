import { configOf } from '../../config'
import { type Failure, GatewayError } from '../../failures/errors'
import type { Clients } from '../clients'
import { makeImages } from '../make'
import type { RunOutcome } from '../outcome'
import { type Plans, patienceMsOf } from '../plan'
import type { Progress } from '../progress'
import type { ProgressWebhooks } from '../progress-webhooks'
import { abandoned } from '../recovery'
import type { RunNews } from '../run-context'
import { hasJob, isAwaited, type PlacedOrder, type Run, type State } from '../state'
import { lookAhead, type LookAhead } from '../../upstreams/accounts'

/** The receivers of a run's news, and its plan. */
interface CallsContext {
  ctx: DurableObjectState
  env: Env
  plans: Plans
  clients: Clients
  webhooks: ProgressWebhooks
}

/** The calls of the run of this process. */
export class Calls {
  readonly #context: CallsContext
  #stop = new AbortController()
  /** Resolves when the accounts of the newest order have been looked at. */
  #looked: Promise<LookAhead | undefined> = Promise.resolve(undefined)
  /** The start of the newest call, in ms since 1970; undefined before the first. */
  startedMs: number | undefined

  constructor(context: CallsContext) {
    this.#context = context
  }

  /** Looks at the accounts of an order while its team decides. Nothing is held by that. */
  lookAhead(order: PlacedOrder): void {
    const { env, plans } = this.#context
    this.#looked = lookAhead(env.ACCOUNTS, plans.of(order).candidates, order.task.payer.team)
  }

  /** Makes the images of a run, and stores its progress with `save`. Throws errors of the settings alone. */
  async generate(run: Run, state: State, save: (progress: Progress) => void): Promise<RunOutcome> {
    const { env, plans } = this.#context
    const { task, id, progress: before } = run
    const config = configOf(env)
    const stop = new AbortController()
    this.#stop = stop
    const ahead = await this.#looked
    return await makeImages({
      task,
      plan: plans.of(run),
      id,
      env,
      config,
      patienceMs: patienceMsOf(isAwaited(state), config),
      isJob: hasJob(state),
      cancel: stop.signal,
      ahead,
      before,
      // The calls change their progress as they go on.
      save: (progress) => save(structuredClone(progress)),
      report: (news) => this.#report(news),
    })
  }

  /** Ends the calls of a dead process. Throws errors of the settings alone. */
  async abandon(run: Run, failure: Failure | undefined): Promise<RunOutcome> {
    const { ctx, env, plans } = this.#context
    const dead = { env, config: configOf(env), task: run.task, plan: plans.of(run) }
    return await abandoned(dead, run.progress, failure, (work) => ctx.waitUntil(work))
  }

  /** Stops the calls with a failure. */
  stop(failure: Failure): void {
    this.#stop.abort(new GatewayError(failure))
  }

  #report(news: RunNews): void {
    if ('startedMs' in news) this.startedMs = news.startedMs
    else this.#context.clients.show(news)
    if ('percent' in news) this.#context.webhooks.report(news.percent)
  }
}
