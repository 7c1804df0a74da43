import type { Context } from 'hono'
import type { Config } from './config'
import { signedLink } from './store/links'
import type { RequestContext } from './http/admission-lease'

/** What every handler of the app finds in its context. */
export interface App {
  Bindings: Env
  Variables: { requestId: string; config: Config }
}

/** What a request brings along to those who need not know that it is one. */
export const requestContextOf = (c: Context<App>): RequestContext => ({
  env: c.env,
  waitUntil: (work) => c.executionCtx.waitUntil(work),
})

/** Makes links to images that work where a request came to. */
export function linkOf(c: Context<App>): (key: string) => string {
  const { origin } = new URL(c.req.url)
  return (key) => signedLink(origin, key, c.get('config'), Date.now())
}
