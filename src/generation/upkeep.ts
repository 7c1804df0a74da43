import { configOf } from '../config'
import { ring } from '../runtime/alarm'
import { withDeadline } from '../runtime/deadline'
import type { Machine } from './machine'

/** The wait of an alarm for webhook receivers, in ms. */
const SEND_MS = 1000

/** The work of a generation's alarm: the run, settlements, previews and events; then the next alarm. */
export class GenerationUpkeep {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #machine: Machine

  constructor(ctx: DurableObjectState, env: Env, machine: Machine) {
    this.#ctx = ctx
    this.#env = env
    this.#machine = machine
  }

  /** Does the steps of the alarm, each whatever came of the others. */
  async ring(invocation: AlarmInvocationInfo | undefined): Promise<void> {
    const machine = this.#machine
    await ring(this.#ctx.storage, invocation, [
      () => machine.ring(),
      () => machine.rows.owed.settleAll(),
      () => this.#removePreviews(),
      () => this.#sendEvents(),
      () => machine.arm(),
    ])
  }

  async #removePreviews(): Promise<void> {
    const { state, rows } = this.#machine
    if (state.phase.is === 'idle') await rows.previews.remove(this.#env.IMAGES, Date.now())
  }

  /** Sends the due events. A slow receiver does not delay other events: they would wait for this alarm. */
  async #sendEvents(): Promise<void> {
    const machine = this.#machine
    let isInTime = true
    const rearm = (): void => (isInTime ? undefined : machine.arm())
    const sent = Promise.all(machine.rows.outbox.send(configOf(this.#env)).map((each) => each.then(rearm)))
    this.#ctx.waitUntil(sent)
    // This alarm rings again if the process dies while it sends.
    machine.arm()
    await withDeadline(SEND_MS, () => sent).catch(() => {})
    isInTime = false
  }
}
