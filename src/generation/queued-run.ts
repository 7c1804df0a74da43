import type { Failure, Result } from '../failures/errors'
import type { Payer, QueuedOrder } from '../ledger/entry'
import { newId } from '../runtime/ids'
import { describe, log } from '../runtime/log'
import type { GenerationContext } from './context'
import { hold, holdOrWait, isWantedBy, mayStart } from './demand'
import { CANCELLED } from './failures'
import type { QueuePlace, RunRow } from './generation-store'
import { releaseOf, TEAM_UNREACHABLE, withdraw } from './payment'
import { isSamePayer } from './subscribers'
import type { Task } from './task'

/** The steps that follow the wait of a run. None of them throws. */
interface RunSteps {
  /** Resolves when the newest run has its reservation, its place in the queue, or its refusal. */
  ordered: () => Promise<unknown>
  /** Orders the run once more. */
  begin: (row: RunRow) => void
  /** Makes the images of a run with reserved money. */
  start: (row: RunRow) => void
  /** Ends the run for its payer; the next place takes it over, if there is one. */
  refuse: (row: RunRow, failure: Failure) => void
  /** Settles with the teams, and sets the alarm. */
  settle: () => Promise<void>
}

/**
 * The wait of a run for its turn. Each payer that joined the run has a place of its own in the queue of its team.
 * The first place with money takes the run over, and the other places are withdrawn.
 */
export class QueuedRun {
  readonly #context: GenerationContext
  readonly #steps: RunSteps
  /** The places without an answer of their teams, by their reservations. */
  readonly #asking = new Map<string, Promise<Failure | undefined>>()

  constructor(context: GenerationContext, steps: RunSteps) {
    this.#context = context
    this.#steps = steps
  }

  /** Resolves when the run is queued, begun or refused. */
  get ordered(): Promise<unknown> {
    return this.#steps.ordered()
  }

  /**
   * Reserves for a payer that joins the run. The payer takes the run over, or has a place of its own. Never throws.
   * Resolves with the payer's own refusal; undefined if nothing holds the run up.
   */
  async offer(task: Task): Promise<Failure | undefined> {
    await this.ordered
    const { run, places } = this.#context.store
    // The calls of an earlier process are the payer's own.
    if (!run?.queued || run.progress || isSamePayer(run.task.payer, task.payer)) return run?.queued
    const own = places.filter((place) => isSamePayer(place.task.payer, task.payer))
    const asked = own.map(({ reservation, queued }) => this.#asking.get(reservation) ?? queued)
    return await (asked.find(Boolean) ?? this.#ask(run, task))
  }

  /** Starts the run by the place of a reservation, or ends that place with a refusal. False for an unwanted turn. */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    const { store } = this.#context
    const row = store.run
    if (row?.queued && row.reservation === reservation) return this.#turnOfPayer(row, row.queued, refusal)
    const place = store.places.find((each) => each.reservation === reservation)
    if (!place) return store.hasPendingSettlement(reservation)
    store.removePlace(reservation)
    if (refusal || !row?.queued || !mayStart(this.#context, place.task.payer)) return false
    this.#startBy(row, place)
    return true
  }

  #turnOfPayer(row: RunRow, queued: Failure, refusal: Failure | undefined): boolean {
    const isWanted = mayStart(this.#context, row.task.payer)
    const failure = refusal ?? (isWanted ? undefined : queued)
    const { queued: _, ...called } = row
    this.#context.store.run = called
    if (failure) this.#steps.refuse(called, failure)
    else this.#start(called)
    return isWanted
  }

  /** Gives up the places of a payer without a client, a job or a webhook. */
  async leave(payer: Payer): Promise<void> {
    if (isWantedBy(this.#context, payer)) return
    const { run, places } = this.#context.store
    const own = places.filter((place) => isSamePayer(place.task.payer, payer))
    await Promise.all(own.map((place) => this.#withdraw(place)))
    if (run?.queued && isSamePayer(run.task.payer, payer)) await this.#giveUp(run, run.queued)
  }

  /** Cancels the run and all places of its team; false if the turn of a place has come meanwhile. */
  async cancel(row: RunRow): Promise<boolean> {
    const { team } = row.task.payer
    const own = this.#context.store.places.filter(({ task }) => task.payer.team === team)
    await Promise.all([withdraw(this.#context.env, row), ...own.map((place) => this.#withdraw(place))])
    const isQueued = this.#isQueued(row)
    if (isQueued) this.#steps.refuse(row, CANCELLED)
    return isQueued
  }

  /** Repeats what a lost call or the death of a process left undone. */
  async lookAgain(): Promise<void> {
    const { store, jobs } = this.#context
    const { run, places } = store
    const left = places.filter(({ queued, task }) => !run?.queued || !queued || !isWantedBy(this.#context, task.payer))
    await Promise.all(left.map((place) => this.#withdraw(place)))
    if (!run?.queued) return
    await this.#askAgain(run, run.queued)
    for (const task of jobs.tasks) await this.offer(task)
  }

  /** Asks the teams for the turns of a run, in case their calls were lost. */
  async #askAgain(row: RunRow, queued: Failure): Promise<void> {
    const isWanted = isWantedBy(this.#context, row.task.payer)
    if (!isWanted) await this.#giveUp(row, queued)
    for (const place of this.#context.store.places.filter((each) => each.queued)) {
      const held = await hold(this.#context, { ...row, ...place }, true)
      this.#answered(place, held)
    }
    // A team may have forgotten the order, and then decides anew.
    if (!this.#isQueued(row)) return
    const held = await hold(this.#context, row, isWanted)
    if (!this.#isQueued(row) || (!held.ok && held.failure === TEAM_UNREACHABLE)) return
    if (!held.ok || !held.value) this.turn(row.reservation, held.ok ? undefined : held.failure)
  }

  async #giveUp(row: RunRow, queued: Failure): Promise<void> {
    if (!(await withdraw(this.#context.env, row)) || !this.#isQueued(row)) return
    const { queued: _, ...again } = row
    // A client may have come meanwhile.
    if (isWantedBy(this.#context, row.task.payer)) this.#steps.begin(again)
    else this.#steps.refuse(row, queued)
  }

  async #ask(row: RunRow, task: Task): Promise<Failure | undefined> {
    const place: QueuePlace = { task, reservation: newId('run'), createdMs: Date.now() }
    // Stored first, so that a later process can withdraw it.
    this.#context.store.putPlace(place)
    const asked = holdOrWait(this.#context, { ...row, ...place })
      .then((held) => {
        this.#asking.delete(place.reservation)
        return this.#answered(place, held)
      })
      .catch((error: unknown) => {
        log('place-not-taken', { generation: task.id, request: task.requestId, ...describe(error) })
        this.#asking.delete(place.reservation)
        return undefined
      })
    this.#asking.set(place.reservation, asked)
    return await asked
  }

  /** Acts on the answer of a team to a place. Returns the refusal for a client that does not wait. */
  #answered(place: QueuePlace, held: Result<QueuedOrder | undefined>): Failure | undefined {
    const { ctx, store } = this.#context
    const { run } = store
    const refusal = held.ok ? held.value?.instead : held.failure
    // The turn of the place has come meanwhile.
    if (!store.places.some(({ reservation }) => reservation === place.reservation)) return refusal
    const isHeld = held.ok || held.failure === TEAM_UNREACHABLE
    if (!isHeld) store.removePlace(place.reservation)
    else if (!held.ok || !run?.queued || !isWantedBy(this.#context, place.task.payer))
      ctx.waitUntil(this.#withdraw(place))
    else if (refusal) store.putPlace({ ...place, queued: refusal })
    else {
      store.removePlace(place.reservation)
      this.#startBy(run, place)
    }
    return refusal
  }

  /** Has a place with money take the run over. The former payer's place is withdrawn. */
  #startBy(row: RunRow, place: QueuePlace): void {
    const { task, reservation, createdMs } = row
    const { queued: _, ...called } = { ...row, ...place }
    this.#context.store.putPlace({ task, reservation, createdMs })
    this.#context.store.run = called
    this.#start(called)
  }

  #start(row: RunRow): void {
    const { ctx, store } = this.#context
    this.#steps.start(row)
    ctx.waitUntil(Promise.all(store.places.map((place) => this.#withdraw(place))))
  }

  /** Withdraws a place, or its reservation. A place without an answer waits for that. Never throws. */
  async #withdraw(answered: QueuePlace): Promise<void> {
    const { store, env } = this.#context
    const { queued: _, ...place } = answered
    // From now on, the place does not take the run over.
    store.putPlace(place)
    if (this.#asking.has(place.reservation)) return
    const isOut = await withdraw(env, place)
    if (!store.places.some(({ reservation }) => reservation === place.reservation)) return
    store.removePlace(place.reservation)
    if (isOut) return
    store.addPendingSettlement(releaseOf(place), Date.now())
    await this.#steps.settle()
  }

  #isQueued({ reservation }: RunRow): boolean {
    const { run } = this.#context.store
    return run?.queued !== undefined && run.reservation === reservation
  }
}
