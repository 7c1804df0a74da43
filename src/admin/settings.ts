import type { Context } from 'hono'
import { adminTokenOf, settingFaultsOf } from '../config'
import type { App } from '../context'
import { requireToken } from './token'

/** `GET /admin/api/settings`: the faults of the settings, without their values. Also serves with wrong settings. */
export function showSettings(c: Context<App>): Response {
  requireToken(c, adminTokenOf(c.env))
  const faults = settingFaultsOf(c.env)
  return c.json({ object: 'settings', status: faults.length > 0 ? 'wrong' : 'right', faults })
}
