import type { Context, HonoRequest } from 'hono'
import type { App } from '../context'
import { type Failure, GatewayError, unwrap } from '../errors'
import { describe, log } from '../log'
import * as images from '../store/images'
import * as links from '../store/links'

/** Nothing that a picture's bytes could contain may run or load anything, even if they are HTML or SVG. */
const SECURITY = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
  'access-control-allow-origin': '*',
}

/** A copy at the edge may outlive the picture in R2 by this much. */
const NEAR_SECONDS = 3600

/** Shows a picture to whoever holds its link: whole, in part (RFC 9110 §14), or not again (§13). Throws GatewayError. */
export async function showImage(c: Context<App>): Promise<Response> {
  const url = new URL(c.req.url)
  const { key, secondsLeft } = unwrap(links.verify(url, c.var.config, Date.now()))
  const found = isPlain(c.req) ? await nearOrStored(c, url, key) : await stored(c.req, c.env.IMAGES, key)
  const answer = new Response(found.body, found)
  answer.headers.set('cache-control', `public, max-age=${secondsLeft}, immutable`)
  answer.headers.set('x-request-id', c.var.requestId)
  return answer
}

const isPlain = (request: HonoRequest): boolean =>
  request.method === 'GET' && !request.header('range') && !request.header('if-none-match')

/**
 * From the cache of this data centre, or from R2, with a copy left behind for the next one. The copy is read from R2 anew:
 * two readers of one stream would hold in memory what the slower one has not taken.
 */
async function nearOrStored(c: Context<App>, url: URL, key: string): Promise<Response> {
  // The signature has been checked, so that the path alone says what is cached.
  const nearKey = url.origin + url.pathname
  const near = await caches.default.match(nearKey)
  if (near) return near
  const found = await stored(c.req, c.env.IMAGES, key)
  c.executionCtx.waitUntil(keepNear(nearKey, c.env.IMAGES, key))
  return found
}

async function keepNear(nearKey: string, bucket: R2Bucket, key: string): Promise<void> {
  try {
    const object = await images.open(bucket, key)
    if (!object) return
    const headers = imageHeaders(object)
    headers.set('cache-control', `public, max-age=${NEAR_SECONDS}`)
    await caches.default.put(nearKey, new Response(object.body, { headers }))
  } catch (error) {
    log('image-not-cached', { key, ...describe(error) })
  }
}

async function stored(request: HonoRequest, bucket: R2Bucket, key: string): Promise<Response> {
  const object = await images.head(bucket, key)
  if (!object) throw new GatewayError(GONE)
  const headers = imageHeaders(object)
  if (matches(request.header('if-none-match'), object.httpEtag)) return new Response(null, { status: 304, headers })

  const range = rangeOf(request, object)
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${object.size}`)
    return new Response(null, { status: 416, headers })
  }
  const last = range && range.offset + range.length - 1
  if (range) headers.set('content-range', `bytes ${range.offset}-${last}/${object.size}`)
  headers.set('content-length', String(range?.length ?? object.size))
  const status = range ? 206 : 200
  if (request.method === 'HEAD') return new Response(null, { status, headers })
  const body = await images.open(bucket, key, range)
  if (!body) throw new GatewayError(GONE)
  return new Response(body.body, { status, headers })
}

const GONE: Failure = {
  code: 'not_found',
  message: 'This image is no longer kept. Send the request for it again to have it made anew.',
}

function imageHeaders(object: R2Object): Headers {
  const headers = new Headers(SECURITY)
  headers.set('content-type', object.httpMetadata?.contentType ?? 'application/octet-stream')
  headers.set('etag', object.httpEtag)
  headers.set('accept-ranges', 'bytes')
  return headers
}

const matches = (condition: string | undefined, etag: string): boolean =>
  condition?.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag) ?? false

/** The one range that is asked for; several at once, and units other than bytes, are answered whole, as allowed. */
function rangeOf(
  request: HonoRequest,
  object: R2Object,
): { offset: number; length: number } | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.header('range') ?? '') ?? []
  if (first === undefined || last === undefined || (!first && !last)) return undefined
  const condition = request.header('if-range')
  if (condition && condition !== object.httpEtag) return undefined
  const offset = first ? Number(first) : Math.max(0, object.size - Number(last))
  const end = first && last ? Math.min(Number(last), object.size - 1) : object.size - 1
  return offset > end ? 'unsatisfiable' : { offset, length: end - offset + 1 }
}
