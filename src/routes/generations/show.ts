import type { Context } from 'hono'
import type { App } from '../../context'
import { adjustedHeader, deviationNotes } from '../../delivery/headers'
import { retryHeaders, statusJson } from '../../delivery/job-status'
import { fromBucket } from '../../delivery/open-picture'
import { ready, whole } from '../../delivery/whole'
import { renderStoredAnswer } from '../../dialects'
import type { AnswerPart } from '../../dialects/dialect'
import { renderContextOf } from '../../dialects/render-context'
import type { SeenGeneration } from '../../generation/seen'
import { forget } from '../../generation/generations'
import { OwnTeam } from '../../http/own-team'
import { idAt, generationStatusOf } from './status'

/**
 * `GET /v1/generations/{id}`: the status of a generation. A finished job adds its result in the words of its dialect, and
 * the adaptations made after the 202. Throws GatewayError.
 */
export async function showGeneration(c: Context<App>): Promise<Response> {
  const team = OwnTeam.of(c)
  const { status, seen } = await generationStatusOf(c, team, idAt(c))
  const json = statusJson(status, c)
  const adjusted = seen?.record ? deviationNotes(seen.record, status.snapshot.n) : []
  const headers = { ...retryHeaders(status, Date.now()), ...adjustedHeader(adjusted) }
  const result = seen && resultOf(seen, team.caller.team, c)
  const answer = result && (await ready(within(json, result), fromBucket(c.env.IMAGES), (key) => forget(c.env, key)))
  return answer ? whole(answer, headers) : c.json({ ...json, result: null }, 200, headers)
}

/** The result of a job in the words of its dialect; undefined without a result or without such a dialect. */
function resultOf({ snapshot, form, record }: SeenGeneration, team: string, c: Context<App>): AnswerPart[] | undefined {
  if (!form || !record) return undefined
  const { id, request, createdMs } = snapshot
  const context = renderContextOf({ team, generation: id, requestId: request, startedMs: createdMs }, c)
  return renderStoredAnswer(form, record, context)?.parts
}

/** The JSON of a generation with its result; images are read while the response is sent. */
const within = (json: Record<string, unknown>, result: AnswerPart[]): { contentType: string; parts: AnswerPart[] } => ({
  contentType: 'application/json',
  parts: [`${JSON.stringify(json).slice(0, -1)},"result":`, ...result, '}'],
})
