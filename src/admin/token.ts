import { timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import type { App } from '../context'
import { bearerToken } from '../credentials/caller'
import { keyHash } from '../credentials/key-format'
import { type Failure, GatewayError } from '../failures/errors'

/** Throws GatewayError for a request without the ADMIN_TOKEN; an undefined token opens nothing. */
export function requireToken(c: Context<App>, token: string | undefined): void {
  const given = keyHash(bearerToken(c.req.header('authorization')) ?? '')
  if (token === undefined || !timingSafeEqual(given, keyHash(token))) throw new GatewayError(NOT_ADMIN)
}

const NOT_ADMIN: Failure = {
  code: 'unauthorized',
  message: 'This needs the ADMIN_TOKEN of the gateway in an Authorization header: Bearer TOKEN.',
}
