import { isDeepStrictEqual } from 'node:util'
import { failed, ok } from '../../../src/failures/errors'
import type { ImageRecord } from '../../../src/image/record'
import type { Effect, Event } from '../../../src/generation/events'
import { concerns, type RunOutcome } from '../../../src/generation/outcome'
import type { Progress } from '../../../src/generation/progress'
import type { Run, State, Subscriber } from '../../../src/generation/state'
import type { Task } from '../../../src/generation/task'
import { CANCELLED, LifeStorage, type Rules } from './life'
import { SimulatedTeams } from './teams'

/** A call to another object or to upstreams, on its way. Its process brings about the next event. */
interface Message {
  effect: Effect
  /** Takes the effect to its receiver; returns the event of the reply. */
  deliver: () => Event
  /** The reply of a receiver that could not be reached, if it can be out of reach. */
  lose?: () => Event
}

/** A receiver of one end: the number of ends that it has been told. */
interface Receiver {
  subscriber: Subscriber
  told: number
  /** Set for a client of a dead process, or one that hung up, and for a replaced job. */
  isGone: boolean
}

const PAYERS = [
  { team: 'acme', key: 'one' },
  { team: 'acme', key: 'two' },
  { team: 'other', key: 'one' },
] as const

const TASK: Task = {
  id: 'gen_1',
  request: {
    operation: 'generate',
    model: 'gpt-image-2',
    prompt: 'A cat',
    n: 2,
    size: '1024x1024',
    quality: 'low',
    background: 'auto',
    format: 'png',
    compression: 100,
    moderation: 'auto',
    extras: {},
    images: [],
    partials: 0,
  },
  requestId: 'req_0',
  shared: true,
  payer: PAYERS[0],
  origin: 'https://darkroom.example.net',
}

/** Everything around the state of one generation, where each call may be lost, doubled or late, and processes die. */
export class World {
  readonly teams = new SimulatedTeams()
  readonly receivers: Receiver[] = []
  /** The number of upstream calls that were asked for a reservation, and whether its money was held then. */
  readonly asked: { reservation: string; attempt: number; wasHeld: boolean }[] = []
  readonly ended: { run: Run; outcome: RunOutcome }[] = []
  /** Effects that name an order without a place in the state, and deliveries that count twice. */
  readonly unknownEffects: string[] = []
  /** Events that were processed, for late repetitions. */
  readonly past: Event[] = []
  messages: Message[] = []
  /** The upstream's calls of the run in this process. */
  making: { run: Run; progress: Progress } | undefined
  state: State = { phase: { is: 'idle' }, places: [], subscribers: [] }
  readonly #rules: Rules
  readonly #storage: LifeStorage
  #ids = 0
  nowMs = 1_000_000

  constructor(rules: Rules) {
    this.#rules = rules
    this.#storage = new LifeStorage(rules)
  }

  dispatch(event: Event): void {
    this.nowMs += 1
    const before = this.state
    const { state, effects } = this.#rules.transition(before, event, {
      nowMs: this.nowMs,
      mint: (kind) => `${kind === 'process' ? 'p' : 'run_'}${++this.#ids}`,
      finishesAbandoned: false,
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
    for (const { id } of subscribers) for (const known of this.#open(id)) known.isGone = true
    for (const subscriber of subscribers) this.receivers.push({ subscriber, told: 0, isGone: false })
    this.dispatch({ is: 'asked', task, subscribers })
  }

  /** The process dies. Calls on their way arrive or not; their replies are lost. */
  crash(arrived: readonly boolean[]): void {
    for (const [at, { effect, deliver }] of this.messages.entries())
      if (arrived[at % Math.max(1, arrived.length)] && isForTeam(effect)) deliver()
    this.messages = []
    this.making = undefined
    for (const receiver of this.receivers) if (receiver.subscriber.kind === 'client') receiver.isGone = true
    this.state = this.loaded()
  }

  /** The state that the next process would begin with. */
  loaded(): State {
    const open = this.receivers.filter(
      ({ subscriber, told, isGone }) => subscriber.kind !== 'client' && !told && !isGone,
    )
    return this.#storage.load(
      open.map(({ subscriber }) => subscriber),
      this.nowMs,
    )
  }

  /** The team calls the generation for an order, perhaps twice. */
  call(at: number): void {
    const order = this.teams.called[at % Math.max(1, this.teams.called.length)]
    if (!order) return
    this.dispatch({ is: 'turnCame', ...order })
    this.teams.heard(
      order.reservation,
      this.#rules.holds(this.state, order.reservation) || this.#isOwed(order.reservation),
    )
  }

  /** A client hangs up, or its patience is over. */
  leave(at: number, isHangUp: boolean): void {
    const clients = this.receivers.filter(
      ({ subscriber, told, isGone }) => subscriber.kind === 'client' && !told && !isGone,
    )
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
    const progress = structuredClone(making.progress)
    const going = progress.calls.find(({ isOver }) => !isOver)
    const missing = [0, 1].filter((index) => !progress.images[index])
    if (chance < 5 || (!going && missing.length === 0)) return this.#finish(run, progress, chance === 0)
    if (!going) {
      const { reservation, attempt } = run
      this.asked.push({ reservation, attempt, wasHeld: this.teams.isHeld(reservation) })
      progress.calls.push(callFor(missing, `${run.id}.${progress.calls.length}`, this.nowMs, chance % 3 === 0))
    } else if (missing.length > 0 && chance % 2 === 0) {
      progress.images[missing[0] ?? 0] = { key: `images/${run.id}-${missing[0]}`, bytes: 1, mediaType: 'image/png' }
    } else going.isOver = true
    making.progress = progress
    this.dispatch({ is: 'progressed', run: run.id, progress })
  }

  #finish(run: Run, progress: Progress, isFailed: boolean): void {
    this.making = undefined
    const outcome = outcomeOf(progress, isFailed || !progress.images.some(Boolean))
    this.dispatch({ is: 'made', run: run.id, outcome, startedMs: undefined })
  }

  /** A message arrives, perhaps twice, or is lost; its reply comes back. */
  deliver(at: number, how: 'once' | 'twice' | 'lost'): void {
    const message = this.messages[at % Math.max(1, this.messages.length)]
    if (!message) return
    this.messages = this.messages.filter((each) => each !== message)
    if (how === 'lost' && message.lose) return this.dispatch(message.lose())
    const event = message.deliver()
    if (how === 'once' || !isForTeam(message.effect)) return this.dispatch(event)
    const books = structuredClone(this.teams.orders)
    const again = message.deliver()
    if (!isDeepStrictEqual(books, this.teams.orders)) this.unknownEffects.push(message.effect.do)
    this.dispatch(again)
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'reserve': {
        const { reservation, task } = effect.order
        const { couldWait } = effect
        const held = { is: 'answered', reservation, couldWait } as const
        return this.#send({
          effect,
          deliver: () => ({ ...held, held: this.teams.reserve(reservation, task.payer.team, couldWait) }),
          lose: () => ({ ...held, held: { is: 'unreachable', failure: { code: 'unavailable', message: 'Away.' } } }),
        })
      }
      case 'withdraw': {
        const { reservation } = effect.order
        const replied = (isOut: boolean): Event => ({ is: 'withdrawn', reservation, isOut })
        return this.#send({
          effect,
          deliver: () => replied(this.teams.withdraw(reservation)),
          lose: () => replied(false),
        })
      }
      case 'settle':
        return this.#settle(effect, effect.pending.settlement)
      case 'owe':
        return void this.owed.set(effect.pending.settlement.id, effect.pending.settlement)
      case 'generate':
        this.making = { run: effect.run, progress: effect.run.progress ?? { images: [], calls: [] } }
        return
      case 'abandon': {
        const { run, failure } = effect
        const progress = run.progress ?? { images: [], calls: [] }
        const isCancelled = failure?.code === 'cancelled'
        const made = outcomeOf(progress, isCancelled || !progress.images.some(Boolean), failure?.code)
        return this.#send({ effect, deliver: () => ({ is: 'made', run: run.id, outcome: made, startedMs: undefined }) })
      }
      case 'stop': {
        const { making } = this
        this.making = undefined
        if (making) {
          const { run, progress } = making
          const outcome = outcomeOf(progress, true, 'cancelled')
          this.#send({ effect, deliver: () => ({ is: 'made', run: run.id, outcome, startedMs: undefined }) })
        }
        return
      }
      case 'end':
        this.ended.push({ run: effect.run, outcome: effect.outcome })
        return this.#tell(({ kind, task }) => kind !== 'client' && concerns(effect.only, task.payer))
      case 'dismiss':
        return this.#tell(
          ({ kind, task, isHandedOff }) => task.payer.team === effect.team && kind !== 'client' && isHandedOff,
        )
      case 'forget':
        return this.#tell(
          ({ kind, task, isHandedOff }) =>
            kind !== 'client' &&
            (task.requestId === effect.task.requestId ||
              (kind === 'hook' && !isHandedOff && concerns(effect.task.payer, task.payer))),
        )
      case 'unhook':
        return this.#tell(
          ({ kind, task, isHandedOff }) => kind === 'hook' && !isHandedOff && task.requestId === effect.request,
        )
      case 'tell':
        return this.#tell(({ id }) => effect.clients.includes(id))
      case 'report':
      case 'close':
      case 'announce':
    }
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

  #settle(effect: Effect, settlement: Parameters<SimulatedTeams['settle']>[0]): void {
    const settled = { is: 'settled', reservation: settlement.id } as const
    this.#send({
      effect,
      deliver: () => {
        this.teams.settle(settlement)
        return { ...settled, confirmed: { webhook: false } }
      },
      lose: () => ({ ...settled, confirmed: undefined }),
    })
  }

  #isOwed(reservation: string): boolean {
    return this.owed.has(reservation)
  }

  #send(message: Message): void {
    this.messages.push(message)
  }

  #open(id: string): Receiver[] {
    return this.receivers.filter((each) => each.subscriber.id === id && each.told === 0 && !each.isGone)
  }

  #tell(isMeant: (subscriber: Subscriber) => boolean): void {
    for (const receiver of this.receivers) {
      // The rows of a job and a URL go with their end; a client knows its own.
      const { subscriber, told, isGone } = receiver
      if (isMeant(subscriber) && (subscriber.kind === 'client' || (told === 0 && !isGone))) receiver.told += 1
    }
  }
}

const reservationsOf = ({ phase, places }: State): string[] => [
  ...('run' in phase ? [phase.run.reservation] : []),
  ...(phase.is === 'settling' ? [phase.pending.settlement.id] : []),
  ...places.map(({ reservation }) => reservation),
]

function reservationIn(effect: Effect): string | undefined {
  if ('order' in effect) return effect.order.reservation
  return 'pending' in effect ? effect.pending.settlement.id : undefined
}

const isForTeam = ({ do: kind }: Effect): boolean => kind === 'reserve' || kind === 'withdraw' || kind === 'settle'

const callFor = (wanted: number[], seat: string, startedMs: number, hasJob: boolean): Progress['calls'][number] => ({
  seat,
  accountId: 'openai/1',
  upstream: { name: 'openai', account: 0 },
  model: 'gpt-image-2',
  startedMs,
  wanted,
  adjusted: [],
  asked: { size: '1024x1024', quality: 'low', format: 'png' },
  ...(hasJob ? { job: 'job_1' } : {}),
})

function outcomeOf(
  progress: Progress,
  isFailed: boolean,
  code: 'upstream_failed' | string = 'upstream_failed',
): RunOutcome {
  const images = progress.images.filter((image) => image !== undefined)
  const cost = 100 * progress.calls.length
  const record: ImageRecord = {
    id: TASK.id,
    createdMs: 1,
    tookMs: 1,
    operation: 'generate',
    model: 'gpt-image-2',
    upstream: { name: 'openai', account: 0 },
    images,
  }
  const failure = { code: code === 'cancelled' ? 'cancelled' : 'upstream_failed', message: 'Failed.' } as const
  return {
    made: isFailed ? failed(failure) : ok(record),
    attempts: progress.calls.length,
    last: undefined,
    spending: { cost, estimated: 0, taken: images.length },
  }
}
