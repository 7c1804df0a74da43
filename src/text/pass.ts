import { missingParameter, invalidParameter } from '../failures/parameters'
import type { Config } from '../config'
import type { AnsweredRequest, TextRoute, WordedAnswer } from '../dialects/dialect'
import type { Intake } from '../dialects/intake'
import { type Failure, GatewayError, throwIfRefused } from '../failures/errors'
import type { TextRequest } from '../providers/provider'
import { HOPS_HEADER } from '../runtime/hops'
import type { ReplayableBody } from '../store/replayable-body'
import { fixedLengthBody } from '../streams/fixed-length'
import { spliced, withField } from '../streams/spliced'
import { limitHeaders } from '../wire/limit-headers'
import { refusing } from '../failures/refuse'
import { boundCosts, refuseDisallowed } from '../limits/limits'
import { type Candidate, candidates } from '../upstreams/candidates'
import { isImageModel, modelResolver } from '../upstreams/names'
import { NO_PIXELS } from './bill'
import { unpricedParameter } from './priced'
import { runText } from './run'
import { type NamedModel, type TopLevel, topLevelOf } from './top-level'
import type { TextCaller, TextPlan } from './plan'

/**
 * Passes a request to a text model, unchanged but for its key and the upstream's name of the model. A request for words
 * alone goes to the model of the settings for titles, or is answered here.
 * Undefined if the request is not for a text model, or cannot be read. Throws GatewayError.
 */
export async function passText(route: TextRoute, intake: Intake, caller: TextCaller): Promise<Response | undefined> {
  const { c, admission } = caller
  const config = c.get('config')
  const body = await intake.keep()
  const topLevel = await topLevelOf(body.read())
  if (!topLevel) return undefined
  const { deployment } = intake
  const fields = { ...topLevel.fields, ...(deployment === undefined ? {} : { model: deployment }) }
  const isText = route.isText(fields, (name) => isImageModel(name, config))
  const words = isText ? undefined : route.inWords?.(fields, topLevel.texts, answeredRequest(caller))
  if (!isText && !words) return undefined
  const named = namedModel(topLevel, deployment)
  const title = words && titleModelFor(caller)
  if (words && title === undefined) return answerInWords(words, caller)
  const resolved = candidatesFor(title ?? deployment ?? named?.name ?? '', config)
  throwIfRefused(refusalOf(resolved.model, caller))
  const unpriced = boundCosts(admission.limits) ? unpricedParameter(topLevel.fields, route.limitedBy) : undefined
  if (unpriced !== undefined)
    throw new GatewayError(refusing({ reason: 'unpriced_parameter', field: { param: unpriced } }))
  throwIfRefused(route.refusal?.(topLevel.fields))

  const accept = intake.header('accept')
  // The type by which the gateway read it: with another one, the upstream might read another model.
  const headers = {
    'content-type': 'application/json',
    [HOPS_HEADER]: c.get('hops'),
    ...(accept === undefined ? {} : { accept }),
  }
  const requestFor = async (candidate: Candidate): Promise<TextRequest> => {
    return { path: route.path, headers, body: await upstreamBody(candidate, body, named) }
  }
  const { promise: response, resolve, reject } = Promise.withResolvers<Response>()
  const plan = { ...resolved, topLevel, outputLimits: route.limitedBy, requestFor }
  const work = runText(plan, caller, resolve).catch(reject)
  body.lend(work)
  c.executionCtx.waitUntil(work)
  return await response
}

const answeredRequest = ({ c, startedMs }: TextCaller): AnsweredRequest => ({
  requestId: c.get('requestId'),
  startedMs,
})

/** The refusal of a model that the caller may not use. */
const refusalOf = (model: string, { c, admission }: TextCaller): Failure | undefined =>
  refuseDisallowed({ model, n: 1, size: NO_PIXELS }, admission.limits, modelResolver(c.get('config'), Date.now()))

/** The model for titles; undefined without one that the caller may use. */
function titleModelFor(caller: TextCaller): string | undefined {
  const config = caller.c.get('config')
  const model = config.titleModel && modelResolver(config, Date.now())(config.titleModel)
  return model && !refusalOf(model, caller) ? model : undefined
}

const answerInWords = ({ contentType, text }: WordedAnswer, { c, admission }: TextCaller): Response =>
  new Response(text, {
    headers: {
      'content-type': contentType,
      'x-request-id': c.get('requestId'),
      'cache-control': 'no-store',
      ...limitHeaders(admission.limitStatuses),
    },
  })

/**
 * The one model in the body; undefined for none beside that of the path. Two are refused: upstreams differ in the
 * choice between them. Throws GatewayError.
 */
function namedModel({ models: [named, again] }: TopLevel, deployment: string | undefined): NamedModel | undefined {
  if (!named && deployment === undefined) throw new GatewayError(missingParameter('model'))
  throwIfRefused(again && invalidParameter('model', "The body has two fields 'model'. Send one."))
  return named
}

/** The resolved model and its candidates. Throws GatewayError if there is none. */
function candidatesFor(name: string, config: Config): Pick<TextPlan, 'model' | 'candidates'> {
  const nowMs = Date.now()
  const model = modelResolver(config, nowMs)(name)
  const serving = model === undefined ? [] : candidates(config, model, nowMs)
  const [first, ...others] = serving.filter(({ upstream }) => 'pass' in upstream.provider)
  if (model === undefined || !first) throw new GatewayError(unknownModel(name))
  return { model, candidates: [first, ...others] }
}

/** The failure that OpenAI gives for text models. */
const unknownModel = (name: string): Failure => ({
  code: 'not_found',
  message: `The model '${name.slice(0, MAX_SHOWN)}' does not exist. Ask for one of those that GET /v1/models lists.`,
  param: 'model',
  reason: 'model_not_found',
})

const MAX_SHOWN = 100

/** The body with the upstream's name of the model. Throws StoreError. */
async function upstreamBody(
  { model }: Candidate,
  body: ReplayableBody,
  named: NamedModel | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const bytes = await body.open()
  if (model === named?.name) return fixedLengthBody(bytes, body.bytes)
  const theirs = JSON.stringify(model)
  if (!named) {
    const field = new TextEncoder().encode(`"model":${theirs},`)
    return fixedLengthBody(withField(bytes, field), body.bytes + field.length)
  }
  const { from, to } = named
  const name = new TextEncoder().encode(theirs.slice(1, -1))
  return fixedLengthBody(spliced(bytes, { from, to }, name), body.bytes - (to - from) + name.length)
}
