import type { Context } from 'hono'
import type { App } from '../../context'
import type { Caller } from '../../credentials/caller'
import { fromBucket } from '../../delivery/open-picture'
import { ready, whole } from '../../delivery/whole'
import { type KeptAnswer, type KeptAnswers, renderKept } from '../../dialects/kept-answer'
import { renderContextOf, type RenderContext } from '../../dialects/render-context'
import { GatewayError } from '../../failures/errors'
import { forget, see } from '../../generation/generations'
import type { SeenGeneration } from '../../generation/seen'
import type { OwnTeam } from '../../http/own-team'
import { runOfKey } from '../../store/images'
import { resolveReference } from '../../store/links'

/** The generation and the request behind the id of an answer. */
interface AnswerPlace {
  id: string
  generation: string
  /** The end of the id of the request. */
  request: string
}

/** A background answer of a team. */
export interface FoundAnswer<Options> extends KeptAnswer {
  place: AnswerPlace
  options: Options
  context: RenderContext
}

/** The place that the path of a request names. Throws GatewayError unless the gateway gave the id to the team. */
export const placeAt = <Options>(c: Context<App>, team: OwnTeam, kept: KeptAnswers<Options>): Promise<AnswerPlace> =>
  team.read(() => referredPlace(c, team.caller, kept))

function referredPlace<Options>(c: Context<App>, { team }: Caller, kept: KeptAnswers<Options>): AnswerPlace {
  const id = c.req.param('id') ?? ''
  const referent = resolveReference(kept.referenceOf(id), team, c.get('config'))
  const generation = referent && ('key' in referent ? runOfKey(referent.key)?.generation : referent.generation)
  if (!referent || !generation) throw new GatewayError(kept.unknown(id))
  return { id, generation, request: referent.request }
}

/** A generation at the place of a background answer. Throws GatewayError for one of a deleted team of the same id. */
export async function seenAt<Options>(
  c: Context<App>,
  team: OwnTeam,
  { id, generation, request }: AnswerPlace,
  kept: KeptAnswers<Options>,
): Promise<SeenGeneration | undefined> {
  const { incarnation } = await team.ask(async (stub, sent) => await stub.findAs(sent, generation))
  const seen = await see(c.env.GENERATIONS, generation, team.caller.team, request)
  if (seen?.followed && seen.followed.incarnation !== incarnation) throw new GatewayError(kept.unknown(id))
  return seen
}

/** The background answer that the path of a request names. Throws GatewayError. */
export async function foundAnswer<Options>(
  c: Context<App>,
  team: OwnTeam,
  kept: KeptAnswers<Options>,
): Promise<FoundAnswer<Options>> {
  const place = await placeAt(c, team, kept)
  const { id, generation } = place
  const { snapshot, followed, record } = (await seenAt(c, team, place, kept)) ?? {}
  const options = followed && kept.options.safeParse(JSON.parse(followed.form.wants)).data
  if (!snapshot || !options) throw new GatewayError(kept.unknown(id))
  const naming = { team: team.caller.team, generation, requestId: snapshot.request, startedMs: followed.arrivedMs }
  const context = { ...renderContextOf(naming, c), reference: () => kept.referenceOf(id) }
  return { snapshot, record, place, options, context }
}

/** Sends a background answer in its state of today. Throws GatewayError if its picture is no longer kept. */
export async function sendFound<Options>(
  c: Context<App>,
  found: FoundAnswer<Options>,
  kept: KeptAnswers<Options>,
): Promise<Response> {
  const rendered = renderKept(kept, found, found.options, found.context)
  const answer = rendered && (await ready(rendered, fromBucket(c.env.IMAGES), (key) => forget(c.env, key)))
  if (!answer) throw new GatewayError(kept.gone)
  return whole(answer, {})
}
