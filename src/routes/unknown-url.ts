import type { Context, Hono } from 'hono'
import type { App } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { apiOf } from '../dialects'
import { type Failure, GatewayError } from '../failures/errors'

/*
 * Requests that no route takes. Wrong base URLs and methods are the usual reasons.
 */

type Router = Hono<App>['router']

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE']

/** The beginnings of paths; a base URL may lack one. */
const BASES = ['', '/v1', '/v1beta', '/api/v1', '/openai/v1']

/** A longer path is no slip. */
const MAX_SEGMENTS = 16

/** Refuses a request that no route takes: 405 with the methods of its URL, or 404 with the likely URL. */
export function refuseUnknownUrl(c: Context<App>, router: Router): Response {
  const { method, path } = c.req
  const allowed = METHODS.filter((each) => routesOf(router, each, path).length > 0)
  const isNamed = allowed.some((each) => names(router, { method: each, path }))
  const likely = isNamed ? undefined : likelyRoute(router, method, path)
  const isAllowedOtherwise = allowed.length > 0 && !likely
  const origin = c.get('origin')
  const failure = isAllowedOtherwise ? wrongMethod(method, path, allowed) : unknownUrl(method, path, origin, likely)
  const response = failureResponse(new GatewayError(failure), apiOf(c).renderError, c.get('requestId'))
  if (isAllowedOtherwise) response.headers.set('allow', allowed.join(', '))
  return response
}

interface LikelyRoute {
  method: string
  path: string
}

/** The route that the caller meant: the same path with another beginning, preferably by the same method. */
function likelyRoute(router: Router, method: string, path: string): LikelyRoute | undefined {
  const segments = path.split('/').filter(Boolean)
  if (segments.length > MAX_SEGMENTS) return undefined
  const ends = segments.map((_, at) => `/${segments.slice(at).join('/')}`)
  const paths = ends.flatMap((end) => BASES.map((base) => base + end))
  const others = [method, ...METHODS].flatMap((each) => paths.map((likely) => ({ method: each, path: likely })))
  return others.find((route) => route.path !== path && names(router, route))
}

/** Whether a route names its path. A route that takes any path is no sign of a slip. */
const names = (router: Router, { method, path }: LikelyRoute): boolean =>
  routesOf(router, method, path).some((pattern) => !pattern.endsWith('*'))

/** The patterns of the routes that take a path. Middleware has no method, and a name with slashes takes any end. */
const routesOf = (router: Router, method: string, path: string): string[] =>
  router
    .match(method, path)[0]
    .flatMap(([[, route]]) => (route.method === method && !route.path.endsWith('{.+}') ? [route.path] : []))

const wrongMethod = (method: string, path: string, allowed: readonly string[]): Failure => ({
  code: 'method_not_allowed',
  message: `${method} is not allowed at ${shown(path)}. Send ${allowed.join(' or ')}.`,
})

const unknownUrl = (method: string, path: string, origin: string, likely: LikelyRoute | undefined): Failure => {
  const advice = likely
    ? `Send ${likely.method} ${origin}${shown(likely.path)}, and check the base URL of your client.`
    : 'Check the URL and the method.'
  return { code: 'not_found', message: `Unknown request URL: ${method} ${shown(path)}. ${advice}` }
}

const LONGEST_SHOWN = 200

const shown = (path: string): string => (path.length > LONGEST_SHOWN ? `${path.slice(0, LONGEST_SHOWN)}…` : path)
