import type { Context, HonoRequest } from 'hono'
import type { App } from '../../context'
import { bearerToken } from '../../credentials/caller'

/** The API key where Google's clients put it. */
export const keyOfGoogle = (request: HonoRequest): string | undefined =>
  request.header('x-goog-api-key') ?? request.query('key')

/** The API key of a request to Google's API, which also takes a bearer token. */
export const googleKey = (c: Context<App>): string | undefined =>
  keyOfGoogle(c.req) ?? bearerToken(c.req.header('authorization'))
