import { missingParameter, invalidParameter } from '../refusals/parameters'
import type { Config } from '../config'
import type { TextRoute } from '../dialects/dialect'
import type { Intake } from '../dialects/intake'
import { type Failure, GatewayError, throwIfRefused } from '../runtime/errors'
import type { TextRequest } from '../providers/provider'
import type { ReplayableBody } from '../store/replayable-body'
import { fixedLengthBody } from '../streams/fixed-length'
import { spliced } from '../streams/spliced'
import { refuseDisallowed, refuseUncountedImages } from '../limits/limits'
import { type Candidate, candidates } from '../upstreams/candidates'
import { isImageModel, modelMeant } from '../upstreams/names'
import { NO_PIXELS } from './bill'
import { carry } from './carry'
import { type Named, type TopLevel, topLevelOf } from './top-level'
import type { Visitor, Wanted } from './wanted'

/**
 * Passes a request for a text model on, byte for byte but for its key and, where its upstream has another, the name of its
 * model; undefined where it is not for a text model, or cannot be read. Throws GatewayError.
 */
export async function passText(route: TextRoute, intake: Intake, visitor: Visitor): Promise<Response | undefined> {
  const { c, admission } = visitor
  const config = c.get('config')
  const body = await intake.keep()
  const said = await topLevelOf(body.read())
  if (!said || !route.isText(said.fields, (name) => isImageModel(name, config))) return undefined
  const named = nameIn(said)
  const { model, candidates: able } = servedBy(named, config)
  throwIfRefused(refuseDisallowed({ model, n: 1, size: NO_PIXELS }, admission.limits, modelMeant(config, Date.now())))
  if (route.mayMakeImages?.(said.fields)) throwIfRefused(refuseUncountedImages(admission.limits))

  const accept = intake.header('accept')
  // What it was read as here: by another type, its upstream might find another model in it.
  const headers = { 'content-type': 'application/json', ...(accept === undefined ? {} : { accept }) }
  const requestFor = async (candidate: Candidate): Promise<TextRequest> => {
    return { path: route.path, headers, body: await bodyFor(candidate, body, named) }
  }
  const { promise: begun, resolve, reject } = Promise.withResolvers<Response>()
  const work = carry({ said, limitedBy: route.limitedBy, model, candidates: able, requestFor }, visitor, resolve).catch(
    reject,
  )
  body.lend(work)
  c.executionCtx.waitUntil(work)
  return await begun
}

/** Which of two is meant would be for its upstream to say. Throws GatewayError. */
function nameIn({ models: [named, again] }: TopLevel): Named {
  if (!named) throw new GatewayError(missingParameter('model'))
  throwIfRefused(again && invalidParameter('model', "The body has two fields 'model'. Send one."))
  return named
}

/** The model that is meant, and who serves it. Throws GatewayError where nobody does. */
function servedBy({ name }: Named, config: Config): Pick<Wanted, 'model' | 'candidates'> {
  const nowMs = Date.now()
  const model = modelMeant(config, nowMs)(name)
  const able = model === undefined ? [] : candidates(config, model, nowMs)
  const [first, ...others] = able.filter(({ upstream }) => 'pass' in upstream.provider)
  if (model === undefined || !first) throw new GatewayError(unserved(name))
  return { model, candidates: [first, ...others] }
}

/** As OpenAI says it of text models. */
const unserved = (name: string): Failure => ({
  code: 'not_found',
  message: `The model '${name.slice(0, MAX_SHOWN)}' does not exist. Ask for one of those that GET /v1/models lists.`,
  param: 'model',
  reason: 'model_not_found',
})

const MAX_SHOWN = 100

/** The body, in which the model is called as its upstream calls it. Throws StoreError. */
async function bodyFor(
  { model }: Candidate,
  body: ReplayableBody,
  { name, from, to }: Named,
): Promise<ReadableStream<Uint8Array>> {
  const bytes = await body.open()
  if (model === name) return fixedLengthBody(bytes, body.bytes)
  const theirs = new TextEncoder().encode(JSON.stringify(model).slice(1, -1))
  return fixedLengthBody(spliced(bytes, { from, to }, theirs), body.bytes - (to - from) + theirs.length)
}
