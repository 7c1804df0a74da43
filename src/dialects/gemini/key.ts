import type { Context } from 'hono'
import type { App } from '../../context'
import { bearerToken } from '../../credentials/caller'

/** The API key where Google's clients put it. */
export const googleKey = (c: Context<App>): string | undefined => c.req.header('x-goog-api-key') ?? c.req.query('key')

/** The API key of a request to Google's API, which also takes a bearer token. */
export const geminiKey = (c: Context<App>): string | undefined =>
  googleKey(c) ?? bearerToken(c.req.header('authorization'))
