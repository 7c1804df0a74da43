import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../../context'
import { readyEvent, silenceMs } from '../../delivery/deliver'
import { early } from '../../delivery/early'
import { failureOf } from '../../delivery/failure-response'
import { UNBUFFERED } from '../../delivery/headers'
import { ProgressEvents } from '../../delivery/progress-events'
import { type Ready, ready } from '../../delivery/whole'
import type { AnswerStream } from '../../dialects/dialect'
import { streamResponse } from '../../dialects/responses/events'
import { failureOfKept } from '../../dialects/responses/kept'
import { checked } from '../../failures/checked'
import { GatewayError } from '../../failures/errors'
import { follow, forget } from '../../generation/generations'
import type { SeenGeneration } from '../../generation/seen'
import { authenticate } from '../../http/authenticate'
import { type FoundResponse, foundResponse, PICTURE_GONE, sendFound } from './kept'

const showQuery = z.object({
  stream: z.enum(['true', 'false']).optional(),
  /** The number of the last event that the client has. */
  starting_after: z.coerce.number().int().min(0).optional(),
})

/**
 * `GET /v1/responses/{id}`: a background response in its state of today, or the events of its stream. Throws
 * GatewayError.
 */
export async function showResponse(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const { stream, starting_after: after } = checked(showQuery, c.req.query())
  const found = await foundResponse(c, team)
  return stream === 'true' ? streamFound(c, team, found, after) : await sendFound(c, found)
}

/** Sends the events of a response after a number, to its end. */
function streamFound(c: Context<App>, team: string, found: FoundResponse, after: number | undefined): Response {
  const { snapshot, options, context, place } = found
  const { GENERATIONS, IMAGES } = c.env
  const stream = streamResponse({ size: snapshot.size, quality: snapshot.quality }, options, context, after)
  const events = new ProgressEvents(options.background?.previews ?? 0, false)
  const seen = follow(GENERATIONS, place.generation, team, place.request, (event) => events.add(event))
  return early(
    {
      contentType: stream.contentType,
      idle: stream.idle,
      opening: stream.opening(),
      events,
      everyMs: silenceMs(c.get('config')),
      answer: seen.then((end) => readyEnd(stream, end, c)),
      show: (event) => readyEvent(stream, event, IMAGES),
      renderFailure: async (error) => stream.failure(failureOf(error, c.get('requestId'))),
    },
    UNBUFFERED,
  )
}

/** The last events of a response. Throws GatewayError for one without a picture. */
async function readyEnd(stream: AnswerStream, end: SeenGeneration | undefined, c: Context<App>): Promise<Ready> {
  if (!end) throw new GatewayError(PICTURE_GONE)
  if (!end.record)
    throw new GatewayError(end.snapshot.status === 'succeeded' ? PICTURE_GONE : failureOfKept(end.snapshot))
  const { contentType } = stream
  const rendered = { contentType, parts: stream.close(end.record) }
  const answer = await ready(rendered, c.env.IMAGES, (key) => forget(c.env.GENERATIONS, key))
  if (!answer) throw new GatewayError(PICTURE_GONE)
  return answer
}
