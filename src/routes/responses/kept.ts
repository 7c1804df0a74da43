import type { Context } from 'hono'
import type { App } from '../../context'
import { ready, whole } from '../../delivery/whole'
import { renderContextOf, type RenderContext } from '../../dialects/render-context'
import { type KeptResponse, renderKept } from '../../dialects/responses/kept'
import { referenceOfResponse } from '../../dialects/responses/pictures'
import { type ResponsesAnswerOptions, responsesAnswerOptions } from '../../dialects/responses/request'
import { type Failure, GatewayError, unwrap } from '../../failures/errors'
import { forget, see } from '../../generation/generations'
import { runOfKey } from '../../store/images'
import { resolveReference } from '../../store/links'
import { askTeam } from '../../team/ask-team'

/** The generation and the request behind the id of a response. */
interface ResponsePlace {
  id: string
  generation: string
  /** The end of the id of the request. */
  request: string
}

/** A background response of a team. */
export interface FoundResponse extends KeptResponse {
  place: ResponsePlace
  options: ResponsesAnswerOptions
  context: RenderContext
}

/** The place that the path of a request names. Throws GatewayError unless the gateway gave the id to the team. */
export function placeAt(c: Context<App>, team: string): ResponsePlace {
  const id = c.req.param('id') ?? ''
  const referent = resolveReference(referenceOfResponse(id), team, c.get('config'))
  const generation = referent && ('key' in referent ? runOfKey(referent.key)?.generation : referent.generation)
  if (!referent || !generation) throw new GatewayError(unknownResponse(id))
  return { id, generation, request: referent.request }
}

/** The background response that the path of a request names. Throws GatewayError. */
export async function foundResponse(c: Context<App>, team: string): Promise<FoundResponse> {
  const place = placeAt(c, team)
  const { id, generation, request } = place
  const { incarnation } = unwrap(await askTeam(c.env, team, async (stub) => await stub.find(generation)))
  const { snapshot, followed, record } = (await see(c.env.GENERATIONS, generation, team, request)) ?? {}
  const options = followed && responsesAnswerOptions.safeParse(JSON.parse(followed.form.wants)).data
  // A deleted team of the same id may have made it.
  if (!snapshot || !options || followed.incarnation !== incarnation) throw new GatewayError(unknownResponse(id))
  const naming = { team, generation, requestId: snapshot.request, startedMs: followed.arrivedMs }
  const context = { ...renderContextOf(naming, c), reference: () => referenceOfResponse(id) }
  return { snapshot, record, place, options, context }
}

/** Sends a background response in its state of today. Throws GatewayError if its picture is no longer kept. */
export async function sendFound(c: Context<App>, found: FoundResponse): Promise<Response> {
  const rendered = renderKept(found, found.options, found.context)
  const answer = rendered && (await ready(rendered, c.env.IMAGES, (key) => forget(c.env.GENERATIONS, key)))
  if (!answer) throw new GatewayError(PICTURE_GONE)
  return whole(answer, {})
}

const MAX_SHOWN_ID = 100

/** The words of the API, with the rule of this gateway. */
const unknownResponse = (id: string): Failure => ({
  code: 'not_found',
  message: `Response with id '${id.slice(0, MAX_SHOWN_ID)}' not found. Those with 'background': true and a picture are kept for a day, no others.`,
})

export const PICTURE_GONE: Failure = {
  code: 'not_found',
  message: 'The picture of this response is no longer kept. Send the request again to have it made.',
}
