import type { Context, Handler } from 'hono'
import * as z from 'zod'
import type { App } from '../../context'
import { readyEvent, silenceMs } from '../../delivery/deliver'
import { early } from '../../delivery/early'
import { failureOf } from '../../delivery/failure-response'
import { UNBUFFERED } from '../../delivery/headers'
import { ProgressEvents } from '../../delivery/progress-events'
import { fromBucket } from '../../delivery/open-picture'
import { type Ready, ready } from '../../delivery/whole'
import type { AnswerStream } from '../../dialects/dialect'
import { failureOfKept, type KeptAnswers } from '../../dialects/kept-answer'
import { checked } from '../../failures/checked'
import { type Failure, GatewayError } from '../../failures/errors'
import { follow, forget } from '../../generation/generations'
import type { SeenGeneration } from '../../generation/seen'
import { OwnTeam } from '../../http/own-team'
import { type FoundAnswer, foundAnswer, sendFound } from './found'

/** Shows a background answer in its state of today, or the events of its stream. Throws GatewayError. */
export const showKept = <Options>(kept: KeptAnswers<Options>): Handler<App> =>
  async function showKept(c) {
    const team = OwnTeam.of(c)
    const { stream, after } = await team.read(() => shownPart(c.req.query(), kept))
    const found = await foundAnswer(c, team, kept)
    return stream === 'true' ? streamFound(c, team.caller.team, found, kept, after) : await sendFound(c, found, kept)
  }

/** Whether a query asks for the events, and the number after which they begin. Throws GatewayError. */
function shownPart(
  query: Record<string, string>,
  { lastEvent }: Pick<KeptAnswers<never>, 'lastEvent'>,
): { stream: string | undefined; after: number | undefined } {
  const { stream } = checked(showQuery, query)
  return { stream, after: checked(z.object({ [lastEvent]: eventNumber }), query)[lastEvent] }
}

const showQuery = z.object({ stream: z.enum(['true', 'false']).optional() })

/** The number of the last event that the client has. */
const eventNumber = z.coerce.number().int().min(0).optional()

/** Sends the events of an answer after a number, to its end. */
function streamFound<Options>(
  c: Context<App>,
  team: string,
  { snapshot, options, context, place }: FoundAnswer<Options>,
  kept: KeptAnswers<Options>,
  after: number | undefined,
): Response {
  const { GENERATIONS, IMAGES } = c.env
  const stream = kept.stream(snapshot, options, context, after)
  const events = new ProgressEvents(kept.previews(options), false)
  const seen = follow(GENERATIONS, place.generation, team, place.request, (event) => events.add(event))
  return early(
    {
      contentType: stream.contentType,
      idle: stream.idle,
      opening: stream.opening(),
      events,
      everyMs: silenceMs(c.get('config')),
      answer: seen.then((end) => readyEnd(stream, end, c, kept.gone)),
      show: (event) => readyEvent(stream, event, IMAGES),
      renderFailure: async (error) => stream.failure(failureOf(error, c.get('requestId'))),
    },
    UNBUFFERED,
  )
}

/** The last events of an answer. Throws GatewayError for one without a picture. */
async function readyEnd(
  stream: AnswerStream,
  end: SeenGeneration | undefined,
  c: Context<App>,
  gone: Failure,
): Promise<Ready> {
  if (!end) throw new GatewayError(gone)
  if (!end.record) throw new GatewayError(end.snapshot.status === 'succeeded' ? gone : failureOfKept(end.snapshot))
  const { contentType } = stream
  const rendered = { contentType, parts: stream.close(end.record) }
  const answer = await ready(rendered, fromBucket(c.env.IMAGES), (key) => forget(c.env, key))
  if (!answer) throw new GatewayError(gone)
  return answer
}
