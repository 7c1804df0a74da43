import * as z from 'zod'
import { jobFormSchema } from '../../dialects/job-form'
import { imageRecord } from '../../image/record'
import { entryOrNone, readEntries } from '../../runtime/stored'
import { snapshotSchema } from '../../ledger/snapshot'

const followedRequest = z.object({
  /** The wording of the answer. */
  form: jobFormSchema,
  /** Its arrival in ms since 1970. */
  arrivedMs: z.number(),
  /** The incarnation of its team: the next team of the id must not see it. */
  incarnation: z.number(),
})
/** A request that asks for its answer by an id of its own. */
export type FollowedRequest = z.infer<typeof followedRequest>

const followedAnswer = followedRequest.extend({
  ended: z.object({ snapshot: snapshotSchema, record: imageRecord.optional(), untilMs: z.number() }).exactOptional(),
})
/** The answer to a followed request, with its own end. */
type FollowedAnswer = z.infer<typeof followedAnswer>

const ANSWER = 'answer:'
/** The most answers of a team; older ones are dropped. */
const MAX_ANSWERS = 50
/** The end of a request's id tells it from others of its generation, in characters. */
const TAIL = 12

/** The answers that clients follow. Several of one team may have one job, each with a wording of its own. */
export class FollowedAnswers {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The answer to a request of a team, by the end of its id; undefined after its life. */
  of(team: string, request: string): FollowedAnswer | undefined {
    const answer = entryOrNone(this.#storage.kv, answerKey(team, request), followedAnswer)
    return answer?.ended && answer.ended.untilMs <= Date.now() ? undefined : answer
  }

  put(team: string, request: string, followed: FollowedRequest): void {
    const rows = this.#rows(team).toSorted(([, one], [, other]) => other.arrivedMs - one.arrivedMs)
    for (const [key] of rows.slice(MAX_ANSWERS - 1)) this.#storage.kv.delete(key)
    this.#storage.kv.put<FollowedAnswer>(answerKey(team, request), followed)
  }

  /** Ends the answers of a team that have no end. */
  end(team: string, end: NonNullable<FollowedAnswer['ended']>): void {
    for (const [key, answer] of this.#rows(team))
      if (!answer.ended) this.#storage.kv.put<FollowedAnswer>(key, { ...answer, ended: end })
  }

  remove(team: string, request: string): void {
    this.#storage.kv.delete(answerKey(team, request))
  }

  /** Removes the answers of a team. */
  forget(team: string): void {
    for (const [key] of this.#rows(team)) this.#storage.kv.delete(key)
  }

  #rows(team: string): [string, FollowedAnswer][] {
    const prefix = `${ANSWER}${team}/`
    return [...readEntries(this.#storage.kv, prefix, (row) => followedAnswer.parse(row))].map(([tail, row]) => [
      prefix + tail,
      row,
    ])
  }
}

const answerKey = (team: string, request: string): string => `${ANSWER}${team}/${request.slice(-TAIL)}`
