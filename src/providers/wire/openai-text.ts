import * as z from 'zod'
import { type Bytes, peek, readStream } from '../../streams/bytes'
import { bearer, bodyStream, callUpstream } from './http'
import type { TextAnswer, TextRequest, Upstream } from '../provider'
import { readErrorBody } from './error-body'
import { textUsage } from './text-usage'
import { unusableAnswer, withUse } from './unusable-answer'
import { errorOfResponse } from './upstream-error'
import { readRelayError } from './relay-reply'

/** An error with a good status, as JSON or as the first event. Relays send both (protocols §2.1). */
const ERROR_START = /^\s*(?:event: ?error\s+)?(?:data: ?)?\{\s*"error"\s*:\s*(?:\{|"[^"])/
/** The number of bytes that are searched for an error. */
const OPENING_BYTES = 256

const withUsage = z.object({ usage: textUsage }).catch({ usage: undefined })

/** Passes on a request for a text model and waits for the first bytes of its answer. Throws ProviderError. */
export async function pass(request: TextRequest, upstream: Upstream, signal: AbortSignal): Promise<TextAnswer> {
  const { path, headers, body } = request
  const init = { account: bearer(upstream), headers, body }
  const response = await callUpstream(upstream, { signal }, path, init, readRelayError)
  const { head, all } = await firstBytes(response)
  if (ERROR_START.test(new TextDecoder().decode(head.subarray(0, OPENING_BYTES)))) {
    const said = await readErrorBody(firstChunk(all))
    const { usage } = withUsage.parse(said)
    throw withUse(errorOfResponse(response, upstream, said, readRelayError), said, usage ?? undefined)
  }
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? undefined,
    bytes: all,
    requestId: response.headers.get('x-request-id') ?? undefined,
    organization: response.headers.get('openai-organization') ?? undefined,
  }
}

async function firstBytes(response: Response): Promise<{ head: Uint8Array; all: Bytes }> {
  const { head, all } = await peek(readStream(bodyStream(response)), 1).catch((error: unknown) => {
    throw unusableAnswer(response, 'broke off before its answer began', { cause: error })
  })
  if (head.length === 0) throw unusableAnswer(response, 'answered without a body')
  return { head, all }
}

/** Only the first chunk: the stream may stay open after its error. */
async function* firstChunk(bytes: Bytes): Bytes {
  for await (const chunk of bytes) {
    yield chunk
    return
  }
}
