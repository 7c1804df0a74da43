import type { Context } from 'hono'
import type { Config } from './config'
import { signedLink } from './store/links'

/** The context of every handler. */
export interface App {
  Bindings: Env
  Variables: {
    requestId: string
    /** The address of the gateway as the client knows it, such as `https://images.example.com`. */
    origin: string
    config: Config
    /** The gateways that a request of a dialect has passed, with this one. */
    hops: string
  }
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
export const linkOf =
  (c: Context<App>) =>
  (key: string): string =>
    signedLink(c.get('origin'), key, c.get('config'), Date.now())
