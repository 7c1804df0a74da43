import { isDeepStrictEqual } from 'node:util'
import type { GenerationEffect, GenerationEvent } from '../../../src/generation/events'
import type { RunOutcome } from '../../../src/generation/outcome'
import type { Progress } from '../../../src/generation/progress'
import type { Run, State, Subscriber } from '../../../src/generation/state'
import { CANCELLED, LifeStorage, type Rules } from './life'
import { type Message, messageOf } from './messages'
import { brokenBy, isForTeam, reservationIn, reservationsOf } from './naming'
import { SimulatedReceivers } from './receivers'
import { SimulatedTeams } from './teams'
import { outcomeOf, PAYERS, resumed, stepOf, TASK } from './upstream'

/** A message arrives, arrives twice, is lost, arrives without its reply, or ends by an error of the gateway. */
export type Delivery = 'once' | 'twice' | 'lost' | 'unheard' | 'broken'

/** Everything around the state of one generation, where each call may be lost, doubled or late, and processes die. */
export class World {
  readonly teams = new SimulatedTeams()
  readonly receivers = new SimulatedReceivers()
  /** The upstream calls: whether their money was held, and the deaths of their run that lost a call. */
  readonly asked: { wasHeld: boolean; losses: number }[] = []
  /** The reservations of runs that died with a call without a job, once for each death. */
  readonly #lost: string[] = []
  readonly ended: { run: Run; outcome: RunOutcome }[] = []
  /** Effects that name an order without a place in the state. Deliveries that count twice are here too. */
  readonly unknownEffects: string[] = []
  /** Reservations that settled too late: their clients had heard of the end. */
  readonly early: string[] = []
  /** Events that were processed, for late repetitions. */
  readonly past: GenerationEvent[] = []
  messages: Message[] = []
  /** The upstream's calls of the run in this process. */
  making: { run: Run; progress: Progress } | undefined
  state: State = { phase: { is: 'idle' }, places: [], subscribers: [] }
  readonly #rules: Rules
  readonly #finishesAbandoned: boolean
  readonly #storage: LifeStorage
  #ids = 0
  nowMs = 1_000_000

  constructor(rules: Rules, finishesAbandoned: boolean) {
    this.#finishesAbandoned = finishesAbandoned
    this.#rules = rules
    this.#storage = new LifeStorage(rules)
  }

  dispatch(event: GenerationEvent): void {
    this.nowMs += 1
    const before = this.state
    const { state, effects } = this.#rules.transition(before, event, {
      nowMs: this.nowMs,
      mint: (kind) => `${kind === 'process' ? 'p' : 'run_'}${++this.#ids}`,
      finishesAbandoned: this.#finishesAbandoned,
    })
    this.past.push(event)
    this.#storage.save(before, state)
    this.state = state
    const known = new Set([...reservationsOf(before), ...reservationsOf(state)])
    for (const effect of effects) {
      const named = reservationIn(effect)
      if (named !== undefined && !known.has(named)) this.unknownEffects.push(effect.do)
      this.#perform(effect)
    }
  }

  /** A request asks: a client, and a job or a URL if it wants them. */
  ask(at: number, wants: { job: boolean; hook: boolean; patience: boolean }): void {
    // A request waits for an ending run before it asks.
    if (this.state.phase.is === 'ending' || this.state.phase.is === 'settling') return
    const request = `req_${++this.#ids}`
    const task = { ...TASK, payer: PAYERS[at % PAYERS.length] ?? PAYERS[0], requestId: request }
    const base = { task, isHandedOff: wants.job }
    const { team } = task.payer
    const subscribers: Subscriber[] = [
      ...(wants.job
        ? [{ ...base, kind: 'job' as const, id: `job:${team}`, isPatient: true }]
        : [{ ...base, kind: 'client' as const, id: `client:${request}`, isPatient: wants.patience }]),
      ...(wants.hook ? [{ ...base, kind: 'hook' as const, id: `hook:${request}`, isPatient: false }] : []),
    ]
    this.receivers.add(subscribers)
    this.dispatch({ is: 'asked', task, subscribers })
  }

  /** The process dies. Calls on their way arrive or not; their replies are lost. */
  crash(arrived: readonly boolean[]): void {
    for (const [at, { effect, deliver }] of this.messages.entries())
      if (arrived[at % Math.max(1, arrived.length)] && isForTeam(effect)) deliver()
    const { run, progress } = this.making ?? {}
    const isLost = progress?.calls.some(
      ({ isOver, job, seat }) => !isOver && job === undefined && seat.startsWith(`${run?.id}.`),
    )
    if (run && isLost) this.#lost.push(run.reservation)
    this.messages = []
    this.making = undefined
    this.receivers.disconnect()
    this.state = this.loaded()
  }

  /** The state that the next process would begin with. */
  loaded(): State {
    return this.#storage.load(this.receivers.stored, this.nowMs)
  }

  /** The team calls the generation for an order. Without its answer, the team calls again. */
  call(at: number, isHeard: boolean): void {
    const order = this.teams.called[at % Math.max(1, this.teams.called.length)]
    if (!order) return
    this.dispatch({ is: 'turnCame', ...order })
    if (!isHeard) return
    this.teams.heard(
      order.reservation,
      this.#rules.holds(this.state, order.reservation) || this.owed.has(order.reservation),
    )
  }

  /** A client hangs up, or its patience is over. */
  leave(at: number, isHangUp: boolean): void {
    const { clients } = this.receivers
    const receiver = clients[at % Math.max(1, clients.length)]
    if (!receiver) return
    const { id, task } = receiver.subscriber
    if (isHangUp) {
      receiver.isGone = true
      this.dispatch({ is: 'left', client: { request: task.requestId }, failure: CANCELLED })
    } else this.dispatch({ is: 'left', client: { id }, failure: undefined })
  }

  /** The upstream takes the next step of the run: a call, an image, or the end. */
  step(chance: number): void {
    const { making } = this
    if (!making) return
    const { run } = making
    const stepped = stepOf(making.progress, run.id, this.nowMs, chance)
    if (!stepped) return this.#finish(run, making.progress, chance === 0)
    const hasAsked = stepped.calls.length > making.progress.calls.length
    if (hasAsked) this.#noteCall(run.reservation)
    making.progress = stepped
    this.dispatch({ is: 'progressed', run: run.id, progress: stepped })
  }

  #noteCall(reservation: string): void {
    const losses = this.#lost.filter((each) => each === reservation).length
    this.asked.push({ wasHeld: this.teams.isHeld(reservation), losses })
  }

  #finish(run: Run, progress: Progress, isFailed: boolean): void {
    this.making = undefined
    const outcome = outcomeOf(progress, isFailed || !progress.images.some(Boolean))
    this.dispatch({ is: 'made', run: run.id, outcome, startedMs: undefined })
  }

  /** A message arrives, perhaps twice, or is lost; its reply comes back. */
  deliver(at: number, how: Delivery): void {
    const message = this.messages[at % Math.max(1, this.messages.length)]
    if (!message) return
    this.messages = this.messages.filter((each) => each !== message)
    if (how === 'unheard' && message.lose) message.deliver()
    if ((how === 'lost' || how === 'unheard') && message.lose) return this.dispatch(message.lose())
    const broke = brokenBy(message.effect)
    if (how === 'broken' && broke) return this.dispatch(broke)
    const event = message.deliver()
    if (how !== 'twice' || !isForTeam(message.effect)) return this.dispatch(event)
    const { books } = this.teams
    const again = message.deliver()
    if (!isDeepStrictEqual(books, this.teams.books)) this.unknownEffects.push(message.effect.do)
    this.dispatch(again)
  }

  #perform(effect: GenerationEffect): void {
    const message = messageOf(effect, this.teams)
    if (message) this.messages.push(message)
    switch (effect.do) {
      case 'owe':
        return void this.owed.set(effect.pending.settlement.id, effect.pending.settlement)
      case 'generate':
        this.making = { run: effect.run, progress: resumed(effect.run.progress) }
        return
      case 'stop':
        return this.#stop(effect)
      case 'end':
        this.ended.push({ run: effect.run, outcome: effect.outcome })
        return this.receivers.end(effect.receivers)
      case 'dismiss':
      case 'drop':
        return this.receivers.end(effect.receivers)
      case 'tell':
        this.#noteTold()
        return this.receivers.answer(effect.clients, effect.ended.made)
      case 'report':
      case 'close':
      case 'announce':
    }
  }

  /** Clients must not hear of a run before the room of its payer is free again. */
  #noteTold(): void {
    const { run, outcome } = this.ended.at(-1) ?? {}
    if (!run || outcome?.attempts === 0 || this.owed.has(run.reservation)) return
    const isPartial = !outcome?.made.ok || outcome.made.value.images.length < TASK.request.n
    const isHeld = this.teams.isHeld(run.reservation)
    if (this.teams.mustSettleFirst(run.reservation) || (isPartial && isHeld)) this.early.push(run.reservation)
  }

  /** Settlements that the alarm repeats; they outlive processes. */
  readonly owed = new Map<string, { id: string; cost?: number | undefined; images: string[]; attempts: number }>()

  /** The alarm rings: the run is looked after, and owed settlements arrive. */
  ring(): void {
    this.dispatch({ is: 'rang' })
    for (const [id, settlement] of this.owed) {
      this.teams.settle(settlement)
      this.owed.delete(id)
    }
  }

  /** The calls of this process stop; their outcome comes later. */
  #stop(effect: GenerationEffect): void {
    const { making } = this
    this.making = undefined
    if (!making) return
    const outcome = outcomeOf(making.progress, true, 'cancelled')
    const made = { is: 'made', run: making.run.id, outcome, startedMs: undefined } as const
    this.messages.push({ effect, deliver: () => made })
  }
}
