import type { Context } from 'hono'
import type { App } from '../context'
import { type Failure, GatewayError } from '../failures/errors'
import { arriving, STALL_MS, unlessStalled } from '../runtime/stall'
import { type Bytes, capped, readStream } from '../streams/bytes'
import { BrokenCoding, type Coding, CODINGS, decoded } from '../streams/content-coding'
import { inPlace, LARGE_UPLOAD_BYTES } from './uploads'

/**
 * The body of a request as it arrives, without its content coding. `count` counts what the gateway reads. Throws
 * GatewayError, `too_large` at once for an announced length.
 */
export function requestBody(c: Context<App>, key: string, count: (bytes: Bytes, refusal: Failure) => Bytes): Bytes {
  const { maxBodyBytes } = c.get('config')
  const coding = codingOf(c.req.header('content-encoding'))
  const refusal = requestTooLarge(maxBodyBytes)
  const announced = Number(c.req.header('content-length') ?? Number.NaN)
  if (announced > maxBodyBytes) throw new GatewayError(refusal)
  const request = c.req.raw
  if (!request.body) return emptyBody()
  const stalled = (): GatewayError => new GatewayError(UPLOAD_STALLED)
  const moving =
    announced <= SMALL_BODY_BYTES ? wholeBody(request, stalled) : arriving(readStream(request.body), stalled)
  if (coding === undefined) {
    const counted = count(moving, refusal)
    return announced <= LARGE_UPLOAD_BYTES ? counted : inPlace(counted, key, 0)
  }
  // An endless body may decode to nothing.
  const limited = capped(moving, maxBodyBytes, () => new GatewayError(refusal))
  return inPlace(count(decodedBody(limited, coding), refusal), key, LARGE_UPLOAD_BYTES)
}

/** The coding of a body; undefined for a plain one. Throws GatewayError for one that is not decoded here. */
function codingOf(header: string | undefined): Coding | undefined {
  const given = header
    ?.trim()
    .toLowerCase()
    .replace(/^x-(?=gzip$)/, '')
  if (!given || given === 'identity') return undefined
  const coding = CODINGS.find((each) => each === given)
  if (!coding) throw new GatewayError(unsupportedCoding(given.slice(0, MAX_SHOWN_CODING)))
  return coding
}

/** The longest coding in a message, in characters. */
const MAX_SHOWN_CODING = 100

async function* decodedBody(bytes: Bytes, coding: Coding): Bytes {
  try {
    yield* decoded(bytes, coding)
  } catch (error) {
    throw error instanceof BrokenCoding ? new GatewayError(brokenCoding(coding), { cause: error }) : error
  }
}

async function* emptyBody(): Bytes {}

/** Bodies up to this size cost less CPU in one piece than as a stream. */
const SMALL_BODY_BYTES = 64 * 1024

async function* wholeBody(request: Request, stalled: () => GatewayError): Bytes {
  yield await unlessStalled(() => request.bytes(), stalled)
}

const requestTooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request is larger than ${maxBytes} bytes. Send a smaller one, or send images as URLs.`,
})

const UPLOAD_STALLED: Failure = {
  code: 'invalid_request',
  message: `The upload of your request made no progress for ${STALL_MS / 1000} s. Send it again.`,
}

const unsupportedCoding = (given: string): Failure => ({
  code: 'unsupported_encoding',
  message: `The gateway does not decode the content-encoding '${given}'. Send the body plain, or as one of ${CODINGS.join(', ')}.`,
})

const brokenCoding = (coding: Coding): Failure => ({
  code: 'invalid_request',
  message: `The body is not whole ${coding}, as its content-encoding says. Send it again, or plain without that header.`,
})
