import { type Failure, GatewayError, type Result } from '../failures/errors'
import type { NumberedPart, SumsQuestion } from '../ledger/usage'
import { dayOf } from '../runtime/calendar'
import { callObject } from '../runtime/call-object'
import { pause } from '../runtime/deadline'
import { DAY_MS } from '../runtime/durations'
import { log } from '../runtime/log'
import type { DirectorySums, WaitingTeam } from './directory-sums'

/** The teams that are asked at the same time, and the pause after them in the background, in ms. */
export const TEAMS_AT_ONCE = 50
const GATHER_PAUSE_MS = 20

/** The teams of one alarm, and the number that may wait for a report. */
const [MOST_IN_BACKGROUND, MOST_WAITING] = [5000, 500]

/** Asks a team for a part of its sums. Throws GatewayError. */
type AskSums = (team: string, question: SumsQuestion) => Promise<Result<NumberedPart>>

/** Calls the object of a team. */
export const askSums =
  ({ TEAMS }: Pick<Env, 'TEAMS'>): AskSums =>
  (team, question) =>
    callObject(async () => await TEAMS.getByName(team).sums(question))

/** Asks teams for the sums that the directory lacks. Questions to one team follow each other. */
export class SumsGatherer {
  readonly #sums: DirectorySums
  readonly #askTeam: AskSums
  readonly #asking = new Map<string, Promise<Failure | undefined>>()

  constructor(sums: DirectorySums, askTeam: AskSums) {
    this.#sums = sums
    this.#askTeam = askTeam
  }

  /** Asks teams that still wait. Returns the failure of one without an answer. */
  async gather(teams: readonly string[]): Promise<Failure | undefined> {
    const failures = await Promise.all(teams.map((team) => this.#queued(team)))
    return failures.find((failure) => failure !== undefined)
  }

  /** Asks the teams that a report could not ask all by itself. Returns whether more of them are left. */
  async gatherInBackground(): Promise<boolean> {
    const waiting = this.#sums.waiting()
    const due = waiting.filter(({ stored }, index) => stored === null || index < waiting.length - MOST_WAITING)
    for (let from = 0; from < Math.min(due.length, MOST_IN_BACKGROUND); from += TEAMS_AT_ONCE) {
      const failure = await this.gather(due.slice(from, from + TEAMS_AT_ONCE).map(({ id }) => id))
      if (failure) log('sums-not-gathered', { code: failure.code })
      await pause(GATHER_PAUSE_MS)
    }
    return due.some(({ id }) => this.#sums.waitingTeam(id))
  }

  #queued(team: string): Promise<Failure | undefined> {
    const asked = this.#askAfter(this.#asking.get(team), team).finally(() => {
      if (this.#asking.get(team) === asked) this.#asking.delete(team)
    })
    this.#asking.set(team, asked)
    return asked
  }

  /** Asks a team if the answer before has not sufficed. */
  async #askAfter(before: Promise<unknown> | undefined, id: string): Promise<Failure | undefined> {
    await before?.catch(() => {})
    const team = this.#sums.waitingTeam(id)
    if (!team) return undefined
    try {
      return await this.#ask(team)
    } catch (error) {
      if (error instanceof GatewayError) return error.failure
      throw error
    }
  }

  async #ask(team: WaitingTeam): Promise<Failure | undefined> {
    const askedMs = Date.now()
    let question: SumsQuestion | undefined = { stored: team.stored ?? undefined }
    while (question) {
      const answer = await this.#askTeam(team.id, question)
      // Meanwhile the team may be deleted, and made again.
      if (!this.#sums.isListed(team)) return undefined
      if (!answer.ok) return this.#unanswered(team, answer.failure, askedMs)
      question = this.#store(team, answer.value, askedMs)
    }
    return undefined
  }

  /** A listed team may not be there, if its deletion ended halfway. */
  #unanswered({ id }: WaitingTeam, failure: Failure, askedMs: number): Failure | undefined {
    if (failure.code !== 'not_found') return failure
    this.#sums.clear(id, askedMs)
    return undefined
  }

  /** Stores a part of an answer, and returns the question for the next one. */
  #store({ id }: WaitingTeam, part: NumberedPart, askedMs: number): SumsQuestion | undefined {
    const { epoch, to } = part
    this.#sums.store(id, part)
    if (to !== undefined) return { epoch, from: dayOf(Date.parse(to) + DAY_MS) }
    this.#sums.stored(id, epoch, askedMs)
    return undefined
  }
}
