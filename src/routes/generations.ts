import type { Context } from 'hono'
import { authenticate } from '../http/authenticate'
import type { App } from '../context'
import { renderContextOf } from '../dialects/render-context'
import { adjustedHeader, madeOtherwise } from '../delivery/headers'
import { retryHeaders, type Status, wordedStatus } from '../delivery/job-status'
import { ready, whole } from '../delivery/whole'
import { answerIn } from '../dialects'
import type { AnswerPart } from '../dialects/dialect'
import { type Failure, GatewayError, unwrap } from '../runtime/errors'
import type { Seen } from '../generation/generation'
import { cancel, forget, see } from '../generation/generations'
import { type Entry, imageKeysOf, keptKeysOf } from '../ledger/entry'
import { askTeam } from '../team/ask-team'
import { type Snapshot, snapshotOf } from '../ledger/snapshot'

/*
 * Generations that their callers do not wait for: asked about, and stopped.
 */

/**
 * `GET /v1/generations/{id}`: how it stands, and, of a job, the result as its dialect words it, and how that was adapted
 * after it was handed off. Throws GatewayError.
 */
export async function showGeneration(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const { status, seen } = await statusOf(c, team, idAt(c))
  const json = wordedStatus(status, c)
  const adjusted = seen?.record ? madeOtherwise(seen.record, status.snapshot.n) : []
  const headers = { ...retryHeaders(status, Date.now()), ...adjustedHeader(adjusted) }
  const result = seen && resultOf(seen, team, c)
  const answer = result && (await ready(within(json, result), c.env.IMAGES, (key) => forget(c.env.GENERATIONS, key)))
  return answer ? whole(answer, headers) : c.json({ ...json, result: null }, 200, headers)
}

/** `POST /v1/generations/{id}/cancel`: stops what can be stopped, and tells what it cost. Throws GatewayError. */
export async function cancelGeneration(c: Context<App>): Promise<Response> {
  const [{ team }, id] = [await authenticate(c), idAt(c)]
  // What waits for its turn without being a job is in no ledger afterwards.
  const { status } = await statusOf(c, team, id)
  const snapshot = (await cancel(c.env.GENERATIONS, id, team)) ?? status.snapshot
  if (snapshot.status !== 'cancelled') throw new GatewayError(ended(snapshot.status))
  return c.json(wordedStatus({ ...status, snapshot }, c))
}

/** What its generation and its team know of it. Throws GatewayError where that is nothing. */
export async function statusOf(
  c: Context<App>,
  team: string,
  id: string,
): Promise<{ status: Status; seen: Seen | undefined }> {
  // Any other id is nobody's, and does not make an object.
  if (!/^gen_[0-9a-f]{32,64}$/.test(id)) throw new GatewayError(NOT_FOUND)
  const known = await see(c.env.GENERATIONS, id, team)
  const found = unwrap(await askTeam(c.env, team, async (stub) => await stub.find(id, known?.snapshot.model)))
  const { entry, teamCreatedMs } = found
  // What an earlier team of that id had made is none of this one's business.
  const seen = known && known.snapshot.createdMs >= teamCreatedMs ? known : undefined
  if (seen) return { status: { snapshot: entry ? withoutDeleted(seen.snapshot, entry) : seen.snapshot, found }, seen }
  if (!entry) throw new GatewayError(NOT_FOUND)
  return { status: { snapshot: snapshotOf(entry), found }, seen }
}

/** The images that a team has deleted are no longer its generation's. */
function withoutDeleted(snapshot: Snapshot, entry: Entry): Snapshot {
  const [made, kept] = [imageKeysOf(entry), keptKeysOf(entry)]
  return { ...snapshot, images: snapshot.images.filter((key) => !made.includes(key) || kept.includes(key)) }
}

/** The id that a request's path names, which may be nobody's. */
export const idAt = (c: Context<App>): string => c.req.param('id') ?? ''

/** A result in the words of the dialect in which it was asked for; undefined where there is none. */
function resultOf({ snapshot, form, record }: Seen, team: string, c: Context<App>): AnswerPart[] | undefined {
  if (!form || !record) return undefined
  const { id, request, createdMs } = snapshot
  const occasion = renderContextOf({ team, generation: id, requestId: request, startedMs: createdMs }, c)
  return answerIn(form, record, occasion)?.parts
}

/** A generation with its result, whose images are read as it is sent. */
const within = (json: Record<string, unknown>, result: AnswerPart[]): { contentType: string; parts: AnswerPart[] } => ({
  contentType: 'application/json',
  parts: [`${JSON.stringify(json).slice(0, -1)},"result":`, ...result, '}'],
})

export const NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'Your team has no such generation or image. List what it has with GET /v1/generations.',
}

const ended = (status: string): Failure => ({
  code: 'conflict',
  message: `This generation has ended already, as ${status}; there is nothing left to cancel.`,
  retry: false,
})
