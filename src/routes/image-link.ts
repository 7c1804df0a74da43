import type { Context, HonoRequest } from 'hono'
import type { App } from '../context'
import { type Failure, GatewayError, unwrap } from '../failures/errors'
import { forget } from '../generation/generations'
import { describe, log } from '../runtime/log'
import { headImage, openImage } from '../store/images'
import { verifyLink } from '../store/links'
import {
  EDGE_COPY_SECONDS,
  getEdgeCopy,
  isMarkedMissing,
  isMissingMark,
  isNotedMissing,
  markMissing,
  putEdgeCopy,
} from '../store/edge-copies'
import { byteRangeOf } from './byte-range'

/** Bytes of an image never run or load anything, even if they are HTML or SVG. */
const SECURITY = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
  'access-control-allow-origin': '*',
}

/**
 * `GET /images/…`: sends the image of a signed link, whole or in part (RFC 9110 §14), or 304 (§13).
 * Throws GatewayError.
 */
export async function showImage(c: Context<App>): Promise<Response> {
  const url = new URL(c.req.url)
  const { key, secondsLeft } = unwrap(verifyLink(url, c.get('config'), Date.now()))
  if (isNotedMissing(key)) throw new GatewayError(IMAGE_GONE)
  const found = isPlainGet(c.req) ? await cachedOrStored(c, url, key) : await conditional(c.req, c.env.IMAGES, key)
  if (!found) {
    // The answer is forgotten once, and not by every view of a dead link.
    if (!(await isMarkedMissing(url.origin, key)) && (await forget(c.env, key))) await markMissing(url.origin, key)
    throw new GatewayError(IMAGE_GONE)
  }
  const answer = new Response(found.body, found)
  answer.headers.set('cache-control', found.status < 400 ? `public, max-age=${secondsLeft}, immutable` : 'no-store')
  answer.headers.set('x-request-id', c.get('requestId'))
  return answer
}

const IMAGE_GONE: Failure = {
  code: 'not_found',
  message: 'This image is no longer kept. Send the request for it again in a minute to have it made anew.',
}

const isPlainGet = (request: HonoRequest): boolean =>
  request.method === 'GET' && !request.header('range') && !request.header('if-none-match')

/**
 * Reads an image from the cache of this data centre, or from R2, and then leaves an edge copy.
 * The copy is a second read from R2: one stream with two readers buffers the distance between them in memory.
 */
async function cachedOrStored(c: Context<App>, { origin }: URL, key: string): Promise<Response | undefined> {
  const copy = await getEdgeCopy(origin, key)
  if (copy) return isMissingMark(copy) ? undefined : copy
  const object = await openImage(c.env.IMAGES, key)
  if (!object) return undefined
  c.executionCtx.waitUntil(leaveEdgeCopy(origin, c.env.IMAGES, key))
  return new Response(object.body, { headers: imageHeaders(object) })
}

async function leaveEdgeCopy(origin: string, bucket: R2Bucket, key: string): Promise<void> {
  try {
    const object = await openImage(bucket, key)
    if (!object) return
    const headers = imageHeaders(object)
    headers.set('cache-control', `public, max-age=${EDGE_COPY_SECONDS}`)
    await putEdgeCopy(origin, key, new Response(object.body, { headers }))
  } catch (error) {
    log('image-not-cached', { key, ...describe(error) })
  }
}

/** Answers a HEAD, a condition or a range: each needs the metadata of the image first. */
async function conditional(request: HonoRequest, bucket: R2Bucket, key: string): Promise<Response | undefined> {
  const object = await headImage(bucket, key)
  if (!object) return undefined
  const headers = imageHeaders(object)
  if (matchesEtag(request.header('if-none-match'), object.httpEtag)) return new Response(null, { status: 304, headers })
  if (request.method === 'HEAD') return new Response(null, { headers })

  const isThisVersion = (request.header('if-range') ?? object.httpEtag) === object.httpEtag
  const range = isThisVersion ? byteRangeOf(request.header('range'), object.size) : undefined
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${object.size}`)
    headers.delete('content-length')
    return new Response(null, { status: 416, headers })
  }
  const opened = await openImage(bucket, key, range)
  if (!opened || !range) return opened ? new Response(opened.body, { headers }) : undefined
  headers.set('content-range', `bytes ${range.offset}-${range.offset + range.length - 1}/${object.size}`)
  headers.set('content-length', String(range.length))
  return new Response(opened.body, { status: 206, headers })
}

function imageHeaders(object: R2Object): Headers {
  const headers = new Headers(SECURITY)
  headers.set('content-type', object.httpMetadata?.contentType ?? 'application/octet-stream')
  headers.set('etag', object.httpEtag)
  headers.set('accept-ranges', 'bytes')
  headers.set('content-length', String(object.size))
  return headers
}

const matchesEtag = (condition: string | undefined, etag: string): boolean =>
  condition?.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag) ?? false
