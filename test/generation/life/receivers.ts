import type { Result } from '../../../src/failures/errors'
import type { Subscriber } from '../../../src/generation/state'

/** A receiver of one end, and the number of ends that reached it. */
interface Receiver {
  subscriber: Subscriber
  told: number
  /** Set for a client of a dead process, or one that hung up, and for a replaced job. */
  isGone: boolean
}

/** All that wait for an end: clients, and the rows of jobs and URLs. */
export class SimulatedReceivers {
  readonly all: Receiver[] = []
  /** Clients that got the refusal of another team. */
  readonly misled: string[] = []

  add(subscribers: readonly Subscriber[]): void {
    for (const { id } of subscribers)
      for (const known of this.waiting) if (known.subscriber.id === id) known.isGone = true
    for (const subscriber of subscribers) this.all.push({ subscriber, told: 0, isGone: false })
  }

  get waiting(): Receiver[] {
    return this.all.filter(({ told, isGone }) => told === 0 && !isGone)
  }

  get clients(): Receiver[] {
    return this.waiting.filter(({ subscriber }) => subscriber.kind === 'client')
  }

  /** The rows that outlive a process. */
  get stored(): Subscriber[] {
    return this.waiting.map(({ subscriber }) => subscriber).filter(({ kind }) => kind !== 'client')
  }

  /** Tells receivers an end. The row of a job or a URL goes with its end; a client would hear a second one. */
  tell(isMeant: (subscriber: Subscriber) => boolean): void {
    const rows = this.waiting
    for (const receiver of this.all) {
      const isThere = receiver.subscriber.kind === 'client' || rows.includes(receiver)
      if (isThere && isMeant(receiver.subscriber)) receiver.told += 1
    }
  }

  /** Ends or removes rows by their ids. */
  end(ids: readonly string[]): void {
    this.tell(({ id }) => ids.includes(id))
  }

  /** Tells clients a result. The refusal of a team names it, and is for its own clients. */
  answer(ids: readonly string[], made: Result<unknown>): void {
    const words = !made.ok && 'message' in made.failure ? made.failure.message : ''
    const { all } = this
    for (const { subscriber } of all)
      if (ids.includes(subscriber.id) && words.startsWith('Of ') && words !== `Of ${subscriber.task.payer.team}.`)
        this.misled.push(subscriber.id)
    this.tell(({ id }) => ids.includes(id))
  }

  /** The connections of a dead process are lost. */
  disconnect(): void {
    for (const client of this.clients) client.isGone = true
  }
}
