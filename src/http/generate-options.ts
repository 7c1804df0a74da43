import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { invalidParameter } from '../refusals/parameters'
import type { Config } from '../config'
import type { App } from '../context'
import { type Freshness, freshnessOf } from '../delivery/freshness'
import { webhookUrl } from '../webhooks/url'
import type { Dialect, JobRequest } from '../dialects/dialect'
import { type Failure, GatewayError, unwrap } from '../runtime/errors'
import { newId } from '../runtime/ids'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions } from '../generation/task'
import { fingerprint, type ImageRequest } from '../image/request'
import type { Admission } from '../limits/admission'
import { type Claim, CLAIM_MS } from '../team/claims'
import { askTeam } from '../team/ask-team'
import { ableToServe } from '../upstreams/able'
import { candidates } from '../upstreams/candidates'

/** What its generation is asked, and what the answer says of that. */
export interface Asking {
  ask: GenerateOptions
  freshness: Freshness
  /** Whether the near copy of an answer will do, of which its generation hears nothing. */
  mayServeFromCache: boolean
}

/** Somebody whom the body of a request names, to be told how it ended in the words of that body's dialect. */
export interface Receiver {
  url: string
  /** The parameter that it came in. */
  param: string
  form: JobForm
}

/** Who that is, where the body names somebody. */
export const receiverOf = <Options>(
  job: JobRequest | undefined,
  { id }: Dialect<Options>,
  options: Options,
): Receiver | undefined => job?.webhook && { ...job.webhook, form: { dialect: id, wants: JSON.stringify(options) } }

/** How a request wants to be served. */
interface Manner {
  receiver: Receiver | undefined
  /** Whether nothing of it may be adapted. */
  isStrict: boolean
}

/**
 * What a request asks of which generation: its fingerprint is the generation's name, so that equal requests meet there;
 * an Idempotency-Key ties it to the one that the key came with first. Throws GatewayError.
 */
export async function generateOptions(
  request: ImageRequest,
  admission: Admission,
  c: Context<App>,
  { receiver, isStrict }: Manner,
): Promise<Asking> {
  const [config, requestId, { payer }] = [c.get('config'), c.get('requestId'), admission]
  const freshness = freshnessOf(c.req.header('cache-control'), Date.now())
  const key = idempotencyKey(c.req.header('idempotency-key'))
  const hook = hookOf(receiver, c)
  const isExact = isStrict && ableToServe(request, config, Date.now()).some(({ adjustments }) => adjustments.length > 0)
  const same = fingerprint(request, (isExact ? 'exact ' : '') + scopeOf(request, admission, config))
  const generation = freshness.keep ? `gen_${same}` : newId('gen')
  const first = { generation, madeSinceMs: freshness.madeSinceMs, isReplay: false }
  const claim = key === undefined ? first : await claimed(key, same, first, payer.team, c.env)
  const { origin } = new URL(c.req.url)
  const ask: GenerateOptions = {
    task: {
      id: claim.generation,
      request,
      requestId,
      shared: freshness.keep,
      payer,
      origin,
      ...(isExact ? { isExact } : {}),
    },
    madeSinceMs: claim.madeSinceMs,
    isReplay: claim.isReplay,
    keepMs: key === undefined ? 0 : CLAIM_MS,
    patienceMs: config.queueWaitMs,
    event: eventId(payer.team, key, requestId),
    ...(hook ? { webhook: { id: eventId(payer.team, key, requestId, hook), ...hook } } : {}),
  }
  return { ask, freshness, mayServeFromCache: freshness.use && key === undefined && !hook }
}

/** The URL that is told how it ended, which its body or its header names, and in which words. Throws GatewayError. */
function hookOf(receiver: Receiver | undefined, c: Context<App>): Hook | undefined {
  const named = c.req.header('x-webhook-url')
  if (receiver && named !== undefined) throw new GatewayError(twoReceivers(receiver))
  const { url, param, form } = receiver ?? { url: named, param: 'X-Webhook-URL', form: undefined }
  return url === undefined ? undefined : { url: webhookUrl(url, c.get('config'), param), form }
}

type Hook = Pick<NonNullable<GenerateOptions['webhook']>, 'url' | 'form'>

const twoReceivers = ({ param }: Receiver): Failure =>
  invalidParameter('X-Webhook-URL', `Send either '${param}' or X-Webhook-URL, not both.`)

const claimed = async (key: string, same: string, first: Claim, team: string, env: Env): Promise<Claim> =>
  unwrap(await askTeam(env, team, async (stub) => await stub.claim(key, same, first)))

/** Within which equal requests are the same. */
function scopeOf({ model }: ImageRequest, { payer, incarnation }: Admission, config: Config): string {
  const team = incarnation === 0 ? payer.team : `${payer.team} ${incarnation}`
  const sharedBy = config.cacheScope === 'team' ? `team ${team}` : 'shared'
  // A stand-in's picture must not outlive the day on which a real upstream is configured.
  return candidates(config, model, Date.now()).some(({ upstream }) => upstream.isFallback)
    ? `stand-in ${sharedBy}`
    : sharedBy
}

/** One for each receiver in each wording, and the same for every retry by an Idempotency-Key, so that it is known for one. */
function eventId(team: string, key: string | undefined, requestId: string, hook?: Hook): string {
  if (key === undefined && !hook) return `evt_${requestId}`
  const { url = '', form } = hook ?? {}
  const hash = createHash('sha256').update(`webhook\n${team}\n${key ?? requestId}\n${url}\n${form?.dialect ?? ''}`)
  return `evt_${hash.digest('hex').slice(0, 32)}`
}

/** The key of an Idempotency-Key header: quoted, as the draft has it, or bare, as clients send it (protocols §8.2). */
function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const [, quoted, bare] =
    /^(?:"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"|([\x21\x23-\x7e][\x21-\x7e]*))$/.exec(header.trim()) ?? []
  const key = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
  if (!key || key.length > MAX_KEY) throw new GatewayError(WRONG_KEY)
  return key
}

const MAX_KEY = 255

const WRONG_KEY: Failure = {
  code: 'invalid_request',
  message: `Invalid Idempotency-Key. Send 1 to ${MAX_KEY} printable ASCII characters, such as a UUID.`,
  param: 'Idempotency-Key',
  reason: 'invalid_value',
}
