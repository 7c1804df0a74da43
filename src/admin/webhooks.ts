import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../refusals/checked'
import type { App } from '../context'
import { webhookSecrets } from '../webhooks/signing'
import { webhookUrl } from '../webhooks/url'
import { type Failure, GatewayError, type Result, unwrap } from '../runtime/errors'
import { redeliver as sendAgain } from '../generation/generations'
import { pageOf } from '../wire/page'
import { cursorAfterDelivery, type Delivery, DELIVERY_STATUSES, deliveryCursor } from '../team/deliveries'
import type { Team } from '../team/team'
import { askTeam } from '../team/ask-team'
import type { WebhookState } from '../team/webhook'
import { moment } from '../wire/json'
import { bodyOf } from './request'

const newWebhook = z.strictObject({ url: z.string() })
const deliveriesQuery = z.object({
  status: z.enum(DELIVERY_STATUSES).optional(),
  generation: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: deliveryCursor.optional(),
})

/** `GET /admin/api/teams/{team}/webhook`: there is a secret before there is a URL. Throws GatewayError. */
export async function showWebhook(c: Context<App>): Promise<Response> {
  return c.json(webhookJson(await ask(c, async (team) => await team.webhook()), c))
}

/** `PUT /admin/api/teams/{team}/webhook`: also where its receiver wanted no more. Throws GatewayError. */
export async function setWebhook(c: Context<App>): Promise<Response> {
  const { url } = await bodyOf(c, newWebhook)
  const right = webhookUrl(url, c.get('config'), 'url')
  return c.json(webhookJson(await ask(c, async (team) => await team.changeWebhook({ url: right })), c))
}

/** `DELETE /admin/api/teams/{team}/webhook`: its secret stays as it is. Throws GatewayError. */
export async function removeWebhook(c: Context<App>): Promise<Response> {
  return c.json(webhookJson(await ask(c, async (team) => await team.changeWebhook({ url: null })), c))
}

/** `POST /admin/api/teams/{team}/webhook/secret`: begins a new one. Throws GatewayError. */
export async function rotateSecret(c: Context<App>): Promise<Response> {
  const { versions } = await ask(c, async (team) => await team.webhook())
  const [newest = 1] = versions
  return c.json(webhookJson(await ask(c, async (team) => await team.changeWebhook({ endedVersion: newest })), c))
}

/** `GET /admin/api/teams/{team}/webhook/deliveries`: the newest first, a page at a time. Throws GatewayError. */
export async function listDeliveries(c: Context<App>): Promise<Response> {
  const { limit, cursor: after, ...sought } = checked(deliveriesQuery, c.req.query())
  const deliveries = await ask(c, async (team) => await team.deliveries(sought, limit + 1, after))
  return c.json(pageOf(deliveries, limit, { told: deliveryJson, cursorAfter: cursorAfterDelivery }))
}

/** `POST /admin/api/teams/{team}/webhook/deliveries/{id}/redeliver`: sends an event once more. Throws GatewayError. */
export async function redeliver(c: Context<App>): Promise<Response> {
  const id = c.req.param('delivery') ?? ''
  const { generation } = await deliveryOf(c, id)
  const isKept = await sendAgain(c.env.GENERATIONS, generation, id)
  if (!isKept) throw new GatewayError(NOT_KEPT)
  return c.json(deliveryJson(await deliveryOf(c, id)), 202)
}

async function deliveryOf(c: Context<App>, id: string): Promise<Delivery> {
  const [delivery] = await ask(c, async (team) => await team.deliveries({ id }, 1))
  if (!delivery) throw new GatewayError(NO_DELIVERY)
  return delivery
}

const teamAt = (c: Context<App>): string => c.req.param('team') ?? ''

const ask = async <T>(c: Context<App>, verb: (team: DurableObjectStub<Team>) => Promise<Result<T>>): Promise<T> =>
  unwrap(await askTeam(c.env, teamAt(c), verb))

function webhookJson(
  { url, disabledMs, versions, previousUntilMs }: WebhookState,
  c: Context<App>,
): Record<string, unknown> {
  const secrets = webhookSecrets(teamAt(c), versions, c.get('config').signingSecret)
  return {
    object: 'webhook',
    url: url ?? null,
    disabled_at: moment(disabledMs),
    secret: secrets[0],
    previous_secret: secrets[1] ?? null,
    previous_secret_until: moment(previousUntilMs),
  }
}

const deliveryJson = (delivery: Delivery): Record<string, unknown> => ({
  object: 'webhook_delivery',
  id: delivery.id,
  generation: delivery.generation,
  type: delivery.type,
  url: withoutSecrets(delivery.url),
  status: delivery.status,
  attempts: delivery.attempts,
  last_status: delivery.last_status,
  last_error: delivery.last_error,
  created_at: moment(delivery.created_ms),
  last_attempt_at: moment(delivery.last_ms),
  next_attempt_at: moment(delivery.next_ms),
})

/** Neither the user info of a URL nor its query, which is where receivers have their tokens. */
function withoutSecrets(address: string): string {
  const { origin, pathname } = new URL(address)
  return origin + pathname
}

const NOT_KEPT: Failure = {
  code: 'conflict',
  message:
    'This event cannot be sent again: its generation no longer keeps it. Read what came of that with GET /admin/api/audit?generation={generation}.',
}

const NO_DELIVERY: Failure = {
  code: 'not_found',
  message: 'This team has no such delivery. List them with GET /admin/api/teams/{team}/webhook/deliveries.',
}
