import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../context'
import { type Failure, GatewayError } from '../failures/errors'
import type { Upstream } from '../providers/provider'
import { isoTime } from '../wire/json'
import type { AccountStatus } from '../upstreams/account'
import { accountStatusOf, switchAccount } from '../upstreams/accounts'
import { conditionOf } from '../upstreams/condition'
import { type Health, type ModelRest, NEW } from '../upstreams/health'
import { bodyBy } from './request'

const enabledSwitch = z.strictObject({ enabled: z.boolean() })

/** `GET /admin/api/upstreams`: in the order of the settings, each with the state of its accounts. */
export async function listUpstreams(c: Context<App>): Promise<Response> {
  const byName = Map.groupBy(c.get('config').upstreams, ({ name }) => name)
  const data = await Promise.all([...byName.values()].map((accounts) => upstreamJson(accounts, c.env)))
  return c.json({ object: 'list', data })
}

/** `PATCH /admin/api/upstreams/{upstream}`: disables or enables all of its accounts. Throws GatewayError. */
export async function changeUpstream(c: Context<App>): Promise<Response> {
  const { enabled } = await bodyBy(c, enabledSwitch)
  const accounts = accountsAt(c)
  await Promise.all(accounts.map((account) => switchAccount(c.env.ACCOUNTS, account, enabled)))
  return c.json(await upstreamJson(accounts, c.env))
}

/** `PATCH /admin/api/upstreams/{upstream}/accounts/{account}`: disables or enables one account. Throws GatewayError. */
export async function changeAccount(c: Context<App>): Promise<Response> {
  const { enabled } = await bodyBy(c, enabledSwitch)
  const found = accountsAt(c).find(({ account }) => String(account) === c.req.param('account'))
  if (!found) throw new GatewayError(ACCOUNT_NOT_FOUND)
  await switchAccount(c.env.ACCOUNTS, found, enabled)
  return c.json(await accountJson(found, c.env))
}

/** The accounts of an upstream that can be switched. Throws GatewayError. */
function accountsAt(c: Context<App>): Upstream[] {
  const accounts = c.get('config').upstreams.filter(({ name }) => name === c.req.param('upstream'))
  if (accounts.length === 0) throw new GatewayError(UPSTREAM_NOT_FOUND)
  if (accounts.some(({ isFallback }) => isFallback)) throw new GatewayError(FALLBACK_NOT_SWITCHABLE)
  return accounts
}

async function upstreamJson(accounts: readonly Upstream[], env: Env): Promise<Record<string, unknown>> {
  const [first] = accounts
  return {
    object: 'upstream',
    name: first?.name,
    provider: first?.provider.id,
    priority: first?.priority,
    weight: first?.weight,
    models: first?.models.map(({ ours, theirs }) => (theirs === undefined ? ours : `${ours}=${theirs}`)),
    max_concurrency: first?.maxConcurrency ?? null,
    requests_per_minute: first?.requestsPerMinute ?? null,
    accounts: await Promise.all(accounts.map((account) => accountJson(account, env))),
  }
}

async function accountJson(upstream: Upstream, env: Env): Promise<Record<string, unknown>> {
  const status = upstream.isFallback ? FALLBACK_STATUS : await accountStatusOf(env.ACCOUNTS, upstream)
  const { account } = upstream
  return { object: 'account', account, ...(status ? accountStatusJson(status, Date.now()) : UNREACHABLE_ACCOUNT) }
}

function accountStatusJson(
  { health, slots, waiting, sentWithinMinute, latencies }: AccountStatus,
  nowMs: number,
): AccountJson {
  const { status, untilMs, sinceMs, reason, advice, teams } = conditionOf(health, nowMs)
  return {
    status,
    until: isoTime(untilMs),
    since: isoTime(sinceMs),
    reason: reason ?? null,
    advice: advice ?? null,
    teams: teams ?? null,
    in_use: slots,
    waiting,
    requests_last_minute: sentWithinMinute,
    latency: latencies.map(({ model, count, p50Ms, p95Ms }) => ({ model, count, p50_ms: p50Ms, p95_ms: p95Ms })),
    without_models: restingModels(health, 'without-model', nowMs),
    limited_models: restingModels(health, 'cooling', nowMs),
  }
}

const restingModels = ({ models }: Health, why: ModelRest['reason'], nowMs: number): RestingModel[] =>
  Object.entries(models).flatMap(([model, { reason, untilMs }]) =>
    reason === why && untilMs > nowMs ? [{ model, until: isoTime(untilMs) }] : [],
  )

/** A model that an account does not serve for a time. */
interface RestingModel {
  model: string
  until: string | null
}

/** The state of an account; unknown values are null. */
interface AccountJson {
  status: string
  until: string | null
  since: string | null
  reason: string | null
  in_use: number | null
  waiting: number | null
  requests_last_minute: number | null
  latency: { model: string; count: number; p50_ms: number; p95_ms: number }[]
  /** The remedy, if an operator has to act. */
  advice: string | null
  /** The teams that the state is limited to; null for all. */
  teams: string[] | null
  without_models: RestingModel[]
  limited_models: RestingModel[]
}

/** The demo upstream has no health and no limits. */
const FALLBACK_STATUS: AccountStatus = { health: NEW, slots: 0, waiting: 0, sentWithinMinute: 0, latencies: [] }

const UNREACHABLE_ACCOUNT: AccountJson = {
  status: 'unknown',
  until: null,
  since: null,
  reason: 'its object could not be reached',
  in_use: null,
  waiting: null,
  requests_last_minute: null,
  latency: [],
  advice: null,
  teams: null,
  without_models: [],
  limited_models: [],
}

const UPSTREAM_NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'There is no such upstream. List them with GET /admin/api/upstreams.',
}

const ACCOUNT_NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'This upstream has no such account; they count from 0. List them with GET /admin/api/upstreams.',
}

const FALLBACK_NOT_SWITCHABLE: Failure = {
  code: 'conflict',
  message: 'The demo only stands in where nothing else serves a model. Set DEMO_UPSTREAM to false to be without it.',
}
