import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../failures/checked'
import type { App } from '../context'
import { webhookSecrets } from '../webhooks/signing'
import { webhookUrl } from '../webhooks/url'
import { type Failure, GatewayError, type Result, unwrap } from '../failures/errors'
import { redeliver } from '../generation/generations'
import { cursorOf, pageCursor, pageLimit, pageOf } from '../wire/page'
import { type Delivery, DELIVERY_STATUSES } from '../team/deliveries'
import type { Team } from '../team/team'
import { askTeam } from '../team/ask-team'
import type { WebhookState } from '../team/webhook'
import { isoTime } from '../wire/json'
import { bodyBy, teamOf } from './request'

const newWebhook = z.strictObject({ url: z.string() })
const deliveriesQuery = z.object({
  status: z.enum(DELIVERY_STATUSES).optional(),
  generation: z.string().optional(),
  limit: pageLimit(1000, 100),
  cursor: pageCursor.optional(),
})

/** `GET /admin/api/teams/{team}/webhook`: the secret exists before a URL is set. Throws GatewayError. */
export async function showWebhook(c: Context<App>): Promise<Response> {
  return c.json(webhookJson(await callTeam(c, async (team) => await team.webhook()), c))
}

/** `PUT /admin/api/teams/{team}/webhook`: sets the URL and ends a refusal by its receiver. Throws GatewayError. */
export async function setWebhook(c: Context<App>): Promise<Response> {
  const { url } = await bodyBy(c, newWebhook)
  const checkedUrl = webhookUrl(url, c.get('config'), 'url')
  return c.json(webhookJson(await callTeam(c, async (team) => await team.changeWebhook({ url: checkedUrl })), c))
}

/** `DELETE /admin/api/teams/{team}/webhook`: the secret stays. Throws GatewayError. */
export async function removeWebhook(c: Context<App>): Promise<Response> {
  return c.json(webhookJson(await callTeam(c, async (team) => await team.changeWebhook({ url: null })), c))
}

/** `POST /admin/api/teams/{team}/webhook/secret`: replaces the secret. Throws GatewayError. */
export async function rotateSecret(c: Context<App>): Promise<Response> {
  const { versions } = await callTeam(c, async (team) => await team.webhook())
  const [newest = 1] = versions
  return c.json(webhookJson(await callTeam(c, async (team) => await team.changeWebhook({ endedVersion: newest })), c))
}

/** `GET /admin/api/teams/{team}/webhook/deliveries`: the newest first, a page at a time. Throws GatewayError. */
export async function listDeliveries(c: Context<App>): Promise<Response> {
  const { limit, cursor: after, ...filter } = checked(deliveriesQuery, c.req.query())
  const deliveries = await callTeam(c, async (team) => await team.deliveries(filter, limit + 1, after))
  const cursorAfter = ({ created_ms, id }: Delivery): string => cursorOf({ ms: created_ms, id })
  return c.json(pageOf(deliveries, limit, { rowJson: deliveryJson, cursorAfter }))
}

/** `POST /admin/api/teams/{team}/webhook/deliveries/{id}/redeliver`: sends an event once more. Throws GatewayError. */
export async function redeliverEvent(c: Context<App>): Promise<Response> {
  const id = c.req.param('delivery') ?? ''
  const { generation } = await deliveryOf(c, id)
  const isKept = await redeliver(c.env.GENERATIONS, generation, id)
  if (!isKept) throw new GatewayError(EVENT_NOT_KEPT)
  return c.json(deliveryJson(await deliveryOf(c, id)), 202)
}

async function deliveryOf(c: Context<App>, id: string): Promise<Delivery> {
  const [delivery] = await callTeam(c, async (team) => await team.deliveries({ id }, 1))
  if (!delivery) throw new GatewayError(DELIVERY_NOT_FOUND)
  return delivery
}

const callTeam = async <T>(c: Context<App>, verb: (team: DurableObjectStub<Team>) => Promise<Result<T>>): Promise<T> =>
  unwrap(await askTeam(c.env, teamOf(c), verb))

function webhookJson(
  { url, disabledMs, versions, previousUntilMs }: WebhookState,
  c: Context<App>,
): Record<string, unknown> {
  const secrets = webhookSecrets(teamOf(c), versions, c.get('config').signingSecret)
  return {
    object: 'webhook',
    url: url ?? null,
    disabled_at: isoTime(disabledMs),
    secret: secrets[0],
    previous_secret: secrets[1] ?? null,
    previous_secret_until: isoTime(previousUntilMs),
  }
}

const deliveryJson = (delivery: Delivery): Record<string, unknown> => ({
  object: 'webhook_delivery',
  id: delivery.id,
  generation: delivery.generation,
  type: delivery.type,
  url: withoutQuery(delivery.url),
  status: delivery.status,
  attempts: delivery.attempts,
  last_status: delivery.last_status,
  last_error: delivery.last_error,
  created_at: isoTime(delivery.created_ms),
  last_attempt_at: isoTime(delivery.last_ms),
  next_attempt_at: isoTime(delivery.next_ms),
})

/** Cuts the user info and the query of a URL: receivers put tokens there. */
function withoutQuery(address: string): string {
  const { origin, pathname } = new URL(address)
  return origin + pathname
}

const EVENT_NOT_KEPT: Failure = {
  code: 'conflict',
  message:
    'This event cannot be sent again: its generation no longer keeps it. Read its outcome with GET /admin/api/audit?generation={generation}.',
}

const DELIVERY_NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'This team has no such delivery. List them with GET /admin/api/teams/{team}/webhook/deliveries.',
}
