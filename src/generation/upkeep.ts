import { configOf } from '../config'
import { ring } from '../runtime/alarm'
import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import { removePartials } from '../store/images'
import type { GenerationContext } from './context'
import type { Finalizer } from './finalizer'
import type { Runner } from './runner'

/** The wait of an alarm for webhook receivers, in ms. */
const SEND_MS = 1000
/** The wait before previews that could not be removed are removed again, in ms. */
const REMOVE_AGAIN_MS = 60_000

/** The work of a generation's alarm. */
export class GenerationUpkeep {
  readonly #context: GenerationContext
  readonly #runner: Runner
  readonly #finalizer: Finalizer

  constructor(context: GenerationContext, runner: Runner, finalizer: Finalizer) {
    this.#context = context
    this.#runner = runner
    this.#finalizer = finalizer
  }

  /** Recovers the run, settles, removes previews and sends events; then sets the next alarm. */
  async ring(invocation: AlarmInvocationInfo | undefined): Promise<void> {
    const { ctx, schedule } = this.#context
    await ring(ctx.storage, invocation, [
      () => this.#runner.recover({ asked: false }),
      () => this.#runner.queued.lookAgain(),
      () => this.#finalizer.settle(),
      () => this.#removePartials(),
      () => this.#sendEvents(),
      () => schedule.rearm(),
    ])
  }

  /** Removes the previews of ended runs when no reader is left. */
  async #removePartials(): Promise<void> {
    const { store, env } = this.#context
    const { partials, run } = store
    if (!partials || run || partials.untilMs > Date.now()) return
    try {
      await removePartials(env.IMAGES, partials.generation)
      store.partials = undefined
    } catch (error) {
      log('partials-not-removed', { generation: partials.generation, ...describe(error) })
      store.partials = { ...partials, untilMs: Date.now() + REMOVE_AGAIN_MS }
    }
  }

  /** Sends the due events. A slow receiver does not delay other events: they would wait for this alarm. */
  async #sendEvents(): Promise<void> {
    const { ctx, env, outbox, schedule } = this.#context
    let isInTime = true
    const rearm = (): Promise<void> | undefined => (isInTime ? undefined : schedule.rearm())
    const sent = Promise.all(outbox.send(configOf(env)).map((each) => each.then(rearm)))
    ctx.waitUntil(sent)
    // This alarm rings again if the process dies while it sends.
    await schedule.rearm()
    await withDeadline(SEND_MS, () => sent).catch(() => {})
    isInTime = false
  }
}
