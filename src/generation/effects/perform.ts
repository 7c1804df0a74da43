import { configOf } from '../../config'
import { failed } from '../../failures/errors'
import { describe, log } from '../../runtime/log'
import type { Clients } from '../clients'
import type { BreakableEffect, EffectOf, GenerationEffect, GenerationEvent } from '../events'
import { startOf } from '../outcome'
import { patienceMsOf, type Plans } from '../plan'
import type { Conclusion } from '../rows/receivers'
import type { Rows } from '../rows/open-rows'
import { isAwaited, isOfJob, type PlacedOrder, type State } from '../state'
import type { Calls } from './calls'
import { cleanUp, keepOutcome } from './end'
import { ledgerOrder, reserve, withdraw } from './reserve'
import { settleInTime } from './settle'

/** The parts of a generation that effects change. */
interface Performing {
  ctx: DurableObjectState
  env: Env
  plans: Plans
  clients: Clients
  calls: Calls
  /** Receives what comes of an effect. */
  dispatch: (event: GenerationEvent) => void
  /** Sets the alarm anew after a change of rows. */
  arm: () => void
  /** The present state, for the patience of its subscribers. */
  stateNow: () => State
}

/** Brings effects about. Rows change at once, with the state; an answer of another object is the next event. */
export class Performer {
  readonly #parts: Performing
  /** Effects in progress that take seconds at most. */
  readonly #brief = new Set<Promise<void>>()
  /** The requests that wait for the first answer of their team. */
  readonly #reports = new Map<string, PromiseWithResolvers<EffectOf<'report'>>>()

  constructor(parts: Performing) {
    this.#parts = parts
  }

  /** Resolves with the first answer of the team to the order of a request. */
  reported(request: string): Promise<EffectOf<'report'>> {
    // The call of a request may come twice.
    const report = this.#reports.get(request) ?? Promise.withResolvers<EffectOf<'report'>>()
    this.#reports.set(request, report)
    return report.promise
  }

  /** Resolves when the calls to other objects have their answers. */
  async answered(): Promise<void> {
    await Promise.all(this.#brief)
  }

  perform(effect: GenerationEffect, rows: Rows): void {
    const { env, clients, calls } = this.#parts
    switch (effect.do) {
      case 'reserve':
        return this.#reserve(effect)
      case 'withdraw':
        return this.#withdraw(effect)
      case 'generate':
        return this.#generate(effect)
      case 'abandon':
        return this.#abandon(effect)
      case 'stop':
        return calls.stop(effect.failure)
      case 'end':
        return this.#end(effect, rows)
      case 'dismiss':
        return this.#dismiss(effect, rows)
      case 'settle':
        return this.#settle(effect)
      case 'owe':
        return this.#owe(effect, rows)
      case 'announce':
        return rows.outbox.add(effect.notice, configOf(env), Date.now())
      case 'tell':
        return clients.tell(effect.clients, effect.ended)
      case 'close':
        calls.startedMs = undefined
        return clients.close(effect.ended)
      case 'report':
        this.#reports.get(effect.request)?.resolve(effect)
        return void this.#reports.delete(effect.request)
      case 'drop':
        return rows.receivers.drop(effect.receivers, effect.refused)
    }
  }

  #reserve({ order, couldWait }: EffectOf<'reserve'>): void {
    const { env, plans, calls, stateNow } = this.#parts
    const { reservation, task } = order
    this.#briefly('reserve', order, async () => {
      const patienceMs = patienceMsOf(isAwaited(stateNow()), configOf(env))
      const asked = ledgerOrder(order, plans.of(order), patienceMs)
      calls.lookAhead(order)
      const isJob = isOfJob(stateNow(), task)
      const held = await reserve(env, task.payer, asked, { couldWait, isJob })
      return { is: 'answered', reservation, couldWait, held }
    })
  }

  #withdraw({ order }: EffectOf<'withdraw'>): void {
    const { reservation } = order
    this.#briefly('withdraw', order, async () => ({
      is: 'withdrawn',
      reservation,
      isOut: await withdraw(this.#parts.env, order),
    }))
  }

  #generate({ run }: EffectOf<'generate'>): void {
    const { calls, stateNow, dispatch } = this.#parts
    const made = calls.generate(run, stateNow(), (progress) => dispatch({ is: 'progressed', run: run.id, progress }))
    void this.#follow('generate', run, async () => {
      const outcome = await made
      return { is: 'made', run: run.id, outcome, startedMs: calls.startedMs ?? startOf(run.progress) }
    })
  }

  #abandon({ run, failure }: EffectOf<'abandon'>): void {
    this.#briefly('abandon', run, async () => {
      const outcome = await this.#parts.calls.abandon(run, failure)
      return { is: 'made', run: run.id, outcome, startedMs: startOf(run.progress) }
    })
  }

  #settle({ pending }: EffectOf<'settle'>): void {
    const reservation = pending.settlement.id
    this.#briefly('settle', { reservation }, async () => ({
      is: 'settled',
      reservation,
      confirmed: await settleInTime(this.#parts.env, pending),
    }))
  }

  #owe({ pending, isDue }: EffectOf<'owe'>, { owed }: Rows): void {
    owed.add(pending, Date.now())
    const { ctx, arm } = this.#parts
    if (isDue) ctx.waitUntil(owed.settleAll().then(arm))
  }

  #end({ run, outcome, receivers, conclusion }: EffectOf<'end'>, rows: Rows): void {
    const { ctx, env } = this.#parts
    const keeping = { ctx, env, kept: rows.kept, previews: rows.previews }
    const { spending = { cost: 0, estimated: 0 }, made, arrived } = outcome
    const { isSettled, endedMs } = conclusion
    if (isSettled) keepOutcome(keeping, run, outcome, { config: configOf(env), nowMs: endedMs })
    cleanUp(keeping, run, outcome, endedMs)
    const { cost, estimated } = spending
    this.notify(receivers, { ...conclusion, task: run.task, made, arrived, cost, estimated }, rows)
  }

  #dismiss({ task, receivers, failure }: EffectOf<'dismiss'>, rows: Rows): void {
    this.notify(receivers, { task, made: failed(failure), cost: 0, endedMs: Date.now() }, rows)
  }

  /** Ends jobs and URLs by their ids, and has the alarm send their notices. */
  notify(ids: readonly string[], conclusion: Conclusion, { receivers, outbox }: Rows): void {
    const config = configOf(this.#parts.env)
    for (const notice of receivers.end(ids, conclusion)) outbox.add(notice, config, conclusion.endedMs)
  }

  #briefly(
    effect: BreakableEffect,
    order: Pick<PlacedOrder, 'reservation'>,
    work: () => Promise<GenerationEvent>,
  ): void {
    const followed = this.#follow(effect, order, work).finally(() => this.#brief.delete(followed))
    this.#brief.add(followed)
  }

  /** Dispatches the event that some work on an order ends with. Rejects under wrong settings alone. */
  #follow(
    effect: BreakableEffect,
    { reservation }: Pick<PlacedOrder, 'reservation'>,
    work: () => Promise<GenerationEvent>,
  ): Promise<void> {
    const { ctx, dispatch } = this.#parts
    const followed = Promise.try(work)
      .then(dispatch)
      .catch((error: unknown) => {
        log('run-failed', describe(error))
        dispatch({ is: 'broke', reservation, effect })
      })
    ctx.waitUntil(followed)
    return followed
  }
}
