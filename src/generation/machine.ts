import { configOf } from '../config'
import { withDeadline } from '../runtime/deadline'
import { newId } from '../runtime/ids'
import { describe, log } from '../runtime/log'
import { Clients } from './clients'
import { Calls } from './effects/calls'
import { Performer } from './effects/perform'
import type { GenerationEffect, GenerationEvent } from './events'
import type { Rules } from './orders'
import { Plans } from './plan'
import { ProgressWebhooks } from './progress-webhooks'
import { openRows, type Rows } from './rows/open-rows'
import { nextAlarmMs, Schedule } from './schedule'
import { isAwaited, isEnding, nextDemand, type State } from './state'
import { transition } from './transition'

/** The wait of an alarm for the answers of other objects, in ms. Settlements and events come after it. */
const ANSWERS_MS = 1000

/**
 * The life of a generation, and the one writer of its state. `dispatch` reads, changes and stores the state in one step,
 * and then brings the effects about.
 */
export class Machine {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #schedule: Schedule
  readonly clients = new Clients()
  readonly calls: Calls
  readonly performer: Performer
  #stored: { rows: Rows; state: State } | undefined
  /** Resolves at the next change of the state. */
  #changed = Promise.withResolvers<void>()

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx
    this.#env = env
    this.#schedule = new Schedule(ctx.storage)
    const plans = new Plans(env)
    const { clients } = this
    const webhooks = new ProgressWebhooks(ctx, env, () => this.rows.receivers)
    this.calls = new Calls({ ctx, env, plans, clients, webhooks })
    const dispatch = (event: GenerationEvent): void => this.dispatch(event)
    this.performer = new Performer({
      ctx,
      env,
      plans,
      clients,
      calls: this.calls,
      dispatch,
      stateNow: () => this.state,
      arm: () => this.arm(),
    })
  }

  get state(): State {
    return this.#read().state
  }

  get rows(): Rows {
    return this.#read().rows
  }

  #read(): { rows: Rows; state: State } {
    if (this.#stored) return this.#stored
    const rows = openRows(this.#ctx.storage, this.#env)
    this.#stored = { rows, state: rows.state.load(rows.receivers.subscribers, Date.now()) }
    return this.#stored
  }

  /**
   * Processes an event: stores the next state, starts the effects, and sets the alarm. Under wrong settings, it changes
   * nothing and throws GatewayError.
   */
  dispatch(event: GenerationEvent): void {
    const { finishAbandoned } = configOf(this.#env)
    const { rows, state: before } = this.#read()
    const { state, effects } = transition(before, event, rulesAt(finishAbandoned === 'all'))
    rows.state.save(before, state)
    this.#stored = { rows, state }
    for (const effect of effects) this.#perform(effect, rows)
    this.arm()
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  /** An effect that fails does not stop the others: the state has changed already. */
  #perform(effect: GenerationEffect, rows: Rows): void {
    try {
      this.performer.perform(effect, rows)
    } catch (error) {
      log('effect-failed', { effect: effect.do, ...describe(error) })
    }
  }

  /** Resolves when the state is so. */
  async until(isSo: (state: State) => boolean): Promise<void> {
    while (!isSo(this.state)) await this.#changed.promise
  }

  /** Sets an alarm that is due and missing. Never throws. */
  wake(): Promise<void> {
    return this.#schedule.wake(() => this.#dueMs())
  }

  /** Resumes a run without a process, and waits for an ending run: its clients hear first. */
  async rest(): Promise<void> {
    await this.wake()
    this.recover({ forRequest: true })
    await this.until((state) => !isEnding(state))
  }

  /** Resumes a run without a process, or begins one for left demand. Throws GatewayError under wrong settings. */
  recover({ forRequest }: { forRequest: boolean }): void {
    const { phase } = this.state
    const isLeft = phase.is === 'idle' && nextDemand(this.state) !== undefined
    if (!isLeft && (!('isInHand' in phase) || phase.isInHand)) return
    configOf(this.#env)
    if ('run' in phase) {
      const { task, attempt } = phase.run
      log('run-interrupted', { generation: task.id, request: task.requestId, attempt })
    }
    this.dispatch({ is: 'recovered', forRequest })
  }

  /** Repeats the work that a lost call or a death left undone, and gives other objects a moment to answer. */
  async ring(): Promise<void> {
    this.#schedule.rings()
    this.recover({ forRequest: false })
    this.dispatch({ is: 'rang' })
    await withDeadline(ANSWERS_MS, () => this.performer.answered()).catch(() => {})
  }

  /** Sets the alarm to the next due time, or empties the object without one. */
  arm(): void {
    const { rows, state } = this.#read()
    if (!isAwaited(state) && state.places.length === 0 && !('run' in state.phase)) rows.tasks.forgetPrompt()
    const due = this.#dueMs()
    if (due === undefined) this.#stored = undefined
    this.#ctx.waitUntil(this.#schedule.arm(due).catch((error: unknown) => log('alarm-not-set', describe(error))))
  }

  #dueMs(): number | undefined {
    const { rows, state } = this.#read()
    return nextAlarmMs(state, rows, Date.now())
  }
}

const rulesAt = (finishesAbandoned: boolean): Rules => ({
  nowMs: Date.now(),
  mint: (kind) => (kind === 'reservation' ? newId('run') : crypto.randomUUID().slice(0, 8)),
  finishesAbandoned,
})
