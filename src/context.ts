import type { Context } from 'hono'
import type { Config } from './config'
import { signedLink } from './store/links'

/** The context of every handler. */
export interface App {
  Bindings: Env
  /** `hops` are the gateways that a request of a dialect has passed, with this one. */
  Variables: { requestId: string; config: Config; hops: string }
}

/** The bindings for one request, and a way to work beyond its response. */
export interface RequestContext {
  env: Env
  waitUntil: (work: Promise<unknown>) => void
}

export const requestContextOf = (c: Context<App>): RequestContext => ({
  env: c.env,
  waitUntil: (work) => c.executionCtx.waitUntil(work),
})

/** Makes image links with the origin of a request. */
export function linkOf(c: Context<App>): (key: string) => string {
  const { origin } = new URL(c.req.url)
  return (key) => signedLink(origin, key, c.get('config'), Date.now())
}
