import { hash } from 'node:crypto'
import type { Context } from 'hono'
import { invalidParameter } from '../failures/parameters'
import type { Config } from '../config'
import type { App } from '../context'
import { type Freshness, freshnessOf } from '../delivery/freshness'
import { webhookUrl } from '../webhooks/url'
import type { Dialect, JobRequest } from '../dialects/dialect'
import { type Failure, GatewayError, unwrap } from '../failures/errors'
import { newId } from '../runtime/ids'
import type { JobForm } from '../dialects/job-form'
import type { FollowedRequest } from '../generation/rows/followed-answers'
import type { GenerateOptions } from '../generation/task'
import { fingerprint } from '../image/request'
import type { Payer } from '../ledger/entry'
import type { Admission } from '../limits/admission'
import { type Claim, CLAIM_MS } from '../team/claims'
import { HOUR_MS } from '../runtime/durations'
import { askTeam } from '../team/ask-team'
import { FRESH_MS } from '../team/fresh-requests'
import { fitCandidates, type RoutePlan } from '../upstreams/route-plan'

/** The options for the Generation object, and the part of the cache. */
interface RequestedGeneration {
  generate: GenerateOptions
  freshness: Freshness
  /** Whether the team knows the request as one that shares no picture. */
  isAlone: boolean
  /** Whether a KV hit may be served without a call of the Generation object. */
  mayServeFromCache: boolean
}

/** A URL in the body of a request, which receives the outcome in the words of the body's dialect. */
interface Receiver {
  url: string
  /** The parameter of the URL. */
  param: string
  form: JobForm
}

/** The receiver in a body, and the request as its client follows it. */
interface JobWishes {
  receiver: Receiver | undefined
  followed: FollowedRequest | undefined
}

/** The wishes of a request body about its answer. */
export function jobWishes<Options>(
  job: JobRequest | undefined,
  { id }: Dialect<Options>,
  options: Options,
  arrival: Pick<FollowedRequest, 'arrivedMs' | 'incarnation'>,
): JobWishes {
  const form = { dialect: id, wants: JSON.stringify(options) }
  return {
    receiver: job?.webhook && { ...job.webhook, form },
    followed: job?.isFollowed && { form, ...arrival },
  }
}

/**
 * Names the generation of a request by its fingerprint, so that equal requests share one. An Idempotency-Key ties the
 * request to the generation of its first use. A fresh request has a generation of its own. Throws GatewayError.
 */
export async function generateOptions(
  plan: RoutePlan,
  admission: Admission,
  c: Context<App>,
  { receiver, followed, isStrict, isFresh }: JobWishes & { isStrict: boolean; isFresh: boolean },
): Promise<RequestedGeneration> {
  const [config, requestId] = [c.get('config'), c.get('requestId')]
  const [{ request }, { payer }] = [plan, admission]
  const freshness = freshnessOf(c.req.header('cache-control'), Date.now(), isFresh)
  const key = idempotencyKey(c.req.header('idempotency-key'))
  const hook = hookOf(receiver, c)
  if (hook) await countWebhook(payer, c)
  const isExact = isStrict && mayBeAdapted(plan, config)
  const same = fingerprint(request, (isExact ? 'exact ' : '') + scopeOf(plan, admission, config))
  const isAlone = key === undefined && !freshness.keep
  const claim = await claimOf({ fingerprint: same, key, isAlone, freshness }, payer, c)
  const generate: GenerateOptions = {
    task: {
      id: claim.generation,
      request,
      requestId,
      shared: freshness.keep,
      payer,
      origin: c.get('origin'),
      hops: c.get('hops'),
      ...(isExact ? { isExact } : {}),
    },
    madeSinceMs: Math.max(claim.madeSinceMs, imagesKeptSinceMs(config, claim, Date.now())),
    isReplay: claim.isReplay,
    keepMs: isAlone ? FRESH_MS : key === undefined ? 0 : CLAIM_MS,
    patienceMs: config.queueWaitMs,
    event: eventId(payer.team, key, requestId),
    ...(followed ? { followed } : {}),
    ...(hook ? { webhook: { id: eventId(payer.team, key, requestId, hook), ...hook } } : {}),
  }
  const mayServeFromCache = freshness.use && key === undefined && !hook && !followed
  return { generate, freshness, isAlone, mayServeFromCache }
}

/** Whether some candidate would adapt the request further: then only the others may serve a strict one. */
const mayBeAdapted = ({ candidates, request }: RoutePlan, config: Config): boolean =>
  fitCandidates(candidates, request, config).some(({ adjustments }) => adjustments.length > 0)

/** The retention of images counts from the start of their run, up to an hour before the answer. Links work for another. */
const RETENTION_MARGIN_MS = 2 * HOUR_MS

/**
 * The oldest answer with images that are not removed soon, in ms since 1970. A retry of its own request takes an older
 * one: its claim ends before its images.
 */
function imagesKeptSinceMs({ imageRetentionMs }: Config, { isReplay }: Claim, nowMs: number): number {
  if (imageRetentionMs === undefined) return 0
  return nowMs - imageRetentionMs + (isReplay ? 0 : RETENTION_MARGIN_MS)
}

type Hook = Pick<NonNullable<GenerateOptions['webhook']>, 'url' | 'form'>

/** The webhook URL of a request's body or header. Throws GatewayError for both, or a URL that is not allowed. */
function hookOf(receiver: Receiver | undefined, c: Context<App>): Hook | undefined {
  const named = c.req.header('x-webhook-url')
  if (receiver && named !== undefined) throw new GatewayError(twoReceivers(receiver))
  const { url, param, form } = receiver ?? { url: named, param: 'X-Webhook-URL', form: undefined }
  return url === undefined ? undefined : { url: webhookUrl(url, c.get('config'), param), form }
}

/** Throws GatewayError for a key that names too many webhooks: any request, however cheap, sends up to seven posts. */
async function countWebhook({ team, key }: Payer, c: Context<App>): Promise<void> {
  const { webhooksPerMinute } = c.get('config')
  unwrap(await askTeam(c.env, team, async (stub) => await stub.countWebhook(key, webhooksPerMinute)))
}

const twoReceivers = ({ param }: Receiver): Failure =>
  invalidParameter('X-Webhook-URL', `Send either '${param}' or X-Webhook-URL, not both.`)

/** A request by all that decides on its generation. */
interface Named {
  fingerprint: string
  /** Its Idempotency-Key. */
  key: string | undefined
  /** Whether it shares no picture, and has no such key. */
  isAlone: boolean
  freshness: Freshness
}

/** The generation of a request: its own, that of all equal requests, or that of an earlier one. */
async function claimOf(
  { fingerprint: same, key, isAlone, freshness }: Named,
  { team, key: payingKey }: Payer,
  c: Context<App>,
): Promise<Claim> {
  const { keep, madeSinceMs } = freshness
  const first = { generation: keep ? `gen_${same}` : newId('gen'), madeSinceMs, fingerprint: same }
  if (key === undefined && !isAlone) return { ...first, isReplay: false }
  const request =
    key === undefined
      ? { ...first, id: c.get('requestId'), key: payingKey, retry: retryOf(c) }
      : { ...first, idempotencyKey: key }
  return unwrap(await askTeam(c.env, team, async (stub) => await stub.claim(request)))
}

/** The number of times that the client has sent the request before, as OpenAI's clients tell it (protocols §7.1). */
const retryOf = (c: Context<App>): number =>
  Number(/^\d{1,3}$/.exec(c.req.header('x-stainless-retry-count') ?? '') ?? 0)

/** The cache scope: equal requests of one scope share a generation. */
function scopeOf({ candidates }: RoutePlan, { payer, incarnation }: Admission, { cacheScope }: Config): string {
  const team = incarnation === 0 ? payer.team : `${payer.team} ${incarnation}`
  const sharedBy = cacheScope === 'team' ? `team ${team}` : 'shared'
  // The image of a fallback must not outlive the day of the first real upstream. Stored fingerprints hold this word.
  return candidates.some(({ upstream }) => upstream.isFallback) ? `stand-in ${sharedBy}` : sharedBy
}

/** One event id for each receiver and wording. Retries by an Idempotency-Key have the same id, so a receiver can tell. */
function eventId(team: string, key: string | undefined, requestId: string, hook?: Hook): string {
  if (key === undefined && !hook) return `evt_${requestId}`
  const { url = '', form } = hook ?? {}
  const named = `webhook\n${team}\n${key ?? requestId}\n${url}\n${form?.dialect ?? ''}`
  return `evt_${hash('sha256', named).slice(0, 32)}`
}

/** The key of an Idempotency-Key header: quoted as in the draft, or bare as clients send it (protocols §8.2). */
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
