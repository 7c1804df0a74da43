import * as z from 'zod'
import type { Failure } from '../../src/failures/errors'
import { entrySchema, type Order } from '../../src/ledger/entry'
import type { Limits } from '../../src/limits/limits'
import { meterSchema } from '../../src/limits/meter'
import { readEntry, readRows } from '../../src/runtime/stored'
import { Accounting, type LimitedKey } from '../../src/team/accounting'
import { STATIC_KEY } from '../../src/team/keys'
import { type CalledOrder, OrderQueue } from '../../src/team/order-queue'
import { Orders } from '../../src/team/orders'
import { ModelledRun } from './modelled-run'
import { Died, NodeStorage } from './node-storage'

export const KEYS = ['key_a', 'key_b', 'key_c'] as const

/** The limits of a team and of its keys, and the keys that have ended. */
export interface WorldLimits {
  team: Limits
  keys: Readonly<Record<string, Limits>>
  revoked: readonly string[]
}

/** Whether the reply of a call arrives. */
type Reply = 'heard' | 'lost'

/** One event of a world. `run` counts the runs that it fits. `dies` is the number of writes before the process dies. */
export type WorldStep = { dies?: number } & (
  | { is: 'ask'; run: number; mayWait: boolean; reply: Reply }
  | { is: 'withdraw'; run: number; reply: Reply }
  | { is: 'settle'; run: number; share: number; reply: Reply }
  | { is: 'send' | 'crash' | 'alarm' }
  | { is: 'deliver'; message: number; fate: Reply | 'unconfirmed' | 'doubled' }
  | { is: 'time'; ms: number }
  | { is: 'limits'; limits: WorldLimits }
)

const queueRow = z.object({ place: z.number(), id: z.string(), key: z.string(), verdict: z.string().nullable() })

/** The rows and meters of a team. */
export interface WorldState {
  queue: z.infer<typeof queueRow>[]
  ledger: z.infer<typeof entrySchema>[]
  meters: ReadonlyMap<string, z.infer<typeof meterSchema> | undefined>
}

/** A step's event in the team, and what its sender learns. */
interface Played {
  event: () => void
  heard?: () => void
}

/** A team's orders on a storage in memory, the runs that ask, and the network between them. */
export class OrderWorld {
  readonly storage = new NodeStorage()
  readonly runs: readonly ModelledRun[]
  limits: WorldLimits
  nowMs = Date.UTC(2096, 10, 20, 12)
  /** Verdicts on their way to their objects. */
  messages: CalledOrder[] = []
  #queue = new OrderQueue(this.storage.sql)
  #orders = this.#started()
  /** The storage after the last step. */
  state: WorldState
  text: string

  constructor(orders: readonly Order[], limits: WorldLimits) {
    this.limits = limits
    this.runs = orders.map((order) => new ModelledRun(order))
    new Accounting(this.storage).createTables()
    this.#queue.createTables()
    this.text = this.storage.text
    this.state = storedIn(this.storage)
  }

  /** Takes a step, and reads the storage. Returns its event; undefined if the process died. */
  take(step: WorldStep): (() => void) | undefined {
    return this.#takePlayed(this.#play(step), step.dies)
  }

  #takePlayed({ event, heard }: Played, dies = Infinity): (() => void) | undefined {
    for (const run of this.runs) run.wasReserved = false
    this.storage.dieAfter(dies)
    try {
      event()
    } catch (error) {
      if (!(error instanceof Died)) throw error
      this.#orders = this.#started()
      this.#read()
      return undefined
    } finally {
      this.storage.dieAfter(Infinity)
    }
    heard?.()
    this.#read()
    this.#observe()
    return event
  }

  /** Ends all limits and losses, until nothing changes any more. */
  settleDown(): void {
    this.take({ is: 'limits', limits: { team: {}, keys: {}, revoked: [] } })
    for (let round = 0; round < 5; round++) {
      this.take({ is: 'alarm' })
      this.take({ is: 'send' })
      while (this.messages.length > 0) this.take({ is: 'deliver', message: 0, fate: 'heard' })
      for (const run of this.runs) this.#goOn(run)
    }
  }

  /** Has the team make a pass through its queue. */
  advance(): void {
    this.#orders.advance(this.nowMs)
  }

  #read(): void {
    const { text } = this.storage
    if (text === this.text) return
    this.text = text
    this.state = storedIn(this.storage)
  }

  #goOn(run: ModelledRun): void {
    if (run.is('asking')) this.#takePlayed(this.#ask(run, true, 'heard'))
    if (run.is('leaving')) this.#takePlayed(this.#withdraw(run, 'heard'))
    if (run.is('leaving')) this.#takePlayed(this.#ask(run, false, 'heard'))
    if (run.is('running', 'settling')) this.#takePlayed(this.#settle(run, 1, 'heard'))
  }

  #pick(index: number, ...phases: Parameters<ModelledRun['is']>): ModelledRun | undefined {
    const fitting = this.runs.filter((run) => run.is(...phases))
    return fitting[index % fitting.length]
  }

  #play(step: WorldStep): Played {
    switch (step.is) {
      case 'ask':
        return this.#ask(
          this.#pick(step.run, 'new', 'asking', 'waiting', 'running', 'settled'),
          step.mayWait,
          step.reply,
        )
      case 'withdraw':
        return this.#withdraw(this.#pick(step.run, 'asking', 'waiting', 'leaving'), step.reply)
      case 'settle':
        return this.#settle(this.#pick(step.run, 'running', 'settling'), step.share, step.reply)
      case 'deliver':
        return this.#deliver(this.messages[step.message % this.messages.length], step.fate)
      case 'alarm':
        return { event: () => this.advance() }
      case 'send':
        return { event: () => {}, heard: () => this.messages.push(...this.#queue.called()) }
      case 'time':
        this.nowMs += step.ms
        return { event: () => {} }
      case 'limits':
        return { event: () => this.#change(step.limits) }
      case 'crash':
        this.#orders = this.#started()
        this.messages = []
        return { event: () => {} }
    }
  }

  #ask(run: ModelledRun | undefined, mayWait: boolean, reply: Reply): Played {
    if (!run) return NOTHING
    let result: ReturnType<Orders['ask']> | undefined
    return {
      event: () => void (result = this.#orders.ask(run.order, mayWait, this.nowMs)),
      heard: () => run.asked(reply === 'heard' ? result : undefined),
    }
  }

  #withdraw(run: ModelledRun | undefined, reply: Reply): Played {
    if (!run) return NOTHING
    const { id } = run.order
    let wasWaiting: boolean | undefined
    return {
      event: () => void (wasWaiting = this.#orders.withdraw(id, this.nowMs)),
      heard: () => run.withdrawn(reply === 'heard' ? wasWaiting : undefined),
    }
  }

  #settle(run: ModelledRun | undefined, share: number, reply: Reply): Played {
    if (!run) return NOTHING
    const settlement = run.settle(share)
    return {
      event: () => void this.#orders.settle(settlement, this.nowMs),
      heard: () => run.settled(reply === 'heard'),
    }
  }

  #deliver(message: CalledOrder | undefined, fate: Reply | 'unconfirmed' | 'doubled'): Played {
    if (!message) return NOTHING
    if (fate !== 'doubled') this.messages.splice(this.messages.indexOf(message), 1)
    const run = fate === 'lost' ? undefined : this.runs.find(({ order }) => order.id === message.order.id)
    const isWanted = run?.turn(message.verdict.refusal)
    if (isWanted === undefined || fate === 'unconfirmed') return NOTHING
    return { event: () => this.#orders.notified(message, isWanted, this.nowMs) }
  }

  /** Changes the limits, unless the process dies: they are in the same storage. */
  #change(limits: WorldLimits): void {
    const before = this.limits
    this.limits = limits
    try {
      this.advance()
    } catch (error) {
      this.limits = before
      throw error
    }
  }

  /** The team's process begins: its memory is empty. */
  #started(): Orders {
    const { storage } = this
    const keyLimits = {
      limitedKeyOf: (id: string): LimitedKey => ({
        key: { ...STATIC_KEY, id, limits: this.limits.keys[id] ?? {} },
        teamLimits: this.limits.team,
      }),
      refuseDisallowed: ({ key }: Order): Failure | undefined =>
        this.limits.revoked.includes(key) ? { code: 'unauthorized', message: 'The key has ended.' } : undefined,
    }
    return new Orders({ storage, accounting: new Accounting(storage), queue: this.#queue, keyLimits })
  }

  #observe(): void {
    const { queue, ledger } = this.state
    for (const run of this.runs) {
      const { id } = run.order
      for (const row of queue) if (row.id === id && row.verdict !== null) run.called.add(row.place)
      run.hasExpired ||= ledger.some((entry) => entry.id === id && entry.status === 'expired')
    }
  }
}

const storedIn = ({ sql, kv }: NodeStorage): WorldState => ({
  queue: readRows(sql, queueRow, 'SELECT place, id, key, verdict FROM queue ORDER BY place'),
  ledger: readRows(sql, entrySchema, 'SELECT * FROM ledger ORDER BY id'),
  meters: new Map(['team', ...KEYS].map((name) => [name, readEntry(kv, `meter:${name}`, meterSchema)])),
})

const NOTHING: Played = { event: () => {} }
