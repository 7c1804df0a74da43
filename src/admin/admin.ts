import { Hono, type MiddlewareHandler } from 'hono'
import type { App } from '../context'
import { DEFAULT_TEAM } from '../credentials/caller'
import { askTeam } from '../team/ask-team'
import { changeKey, issueKey, listKeys, revokeKey } from './keys'
import { showAudit } from './audit'
import { showUsageReport } from './reports'
import { requireToken } from './token'
import { changeTeam, createTeam, deleteTeam, listTeams, showTeam } from './teams'
import { changeAccount, changeUpstream, listUpstreams } from './upstreams'
import { listDeliveries, redeliverEvent, removeWebhook, rotateSecret, setWebhook, showWebhook } from './webhooks'

/** Creates the default team before the first use of the static key. Requests for other teams do not need it. */
const ensureDefaultTeam: MiddlewareHandler<App> = async function ensureDefaultTeam(c, next) {
  const isFor = (c.req.param('team') ?? DEFAULT_TEAM) === DEFAULT_TEAM
  if (isFor && c.get('config').gatewayKeyHash)
    await askTeam(c.env, DEFAULT_TEAM, async (team) => await team.keyAs({ hash: undefined })).catch(() => {})
  await next()
}

/** The admin API, for requests with the `ADMIN_TOKEN`. */
export const admin = new Hono<App>()
  .use(async function requireAdmin(c, next) {
    requireToken(c, c.get('config').adminToken)
    await next()
  })

  .post('/teams', createTeam)
  .get('/teams', ensureDefaultTeam, listTeams)
  .use('/teams/:team/*', ensureDefaultTeam)
  .get('/teams/:team', showTeam)
  .patch('/teams/:team', changeTeam)
  .delete('/teams/:team', deleteTeam)

  .post('/teams/:team/keys', issueKey)
  .get('/teams/:team/keys', listKeys)
  .patch('/teams/:team/keys/:key', changeKey)
  .delete('/teams/:team/keys/:key', revokeKey)

  .get('/teams/:team/webhook', showWebhook)
  .put('/teams/:team/webhook', setWebhook)
  .delete('/teams/:team/webhook', removeWebhook)
  .post('/teams/:team/webhook/secret', rotateSecret)
  .get('/teams/:team/webhook/deliveries', listDeliveries)
  .post('/teams/:team/webhook/deliveries/:delivery/redeliver', redeliverEvent)

  .get('/upstreams', listUpstreams)
  .patch('/upstreams/:upstream', changeUpstream)
  .patch('/upstreams/:upstream/accounts/:account', changeAccount)

  .get('/usage', ensureDefaultTeam, showUsageReport)
  .get('/audit', ensureDefaultTeam, showAudit)
