import { silence, wait } from './delays.ts'
import { Gallery, fill, streamOf } from './fake-openai-body.ts'
import { type Call, type Outcome, end, leave, settle } from './fake-openai-calls.ts'
import { type Order, compose, tokensOf } from './fake-openai-reply.ts'
import { type Refusal, invalidRequest } from './fake-openai-request.ts'
import { makePicture, pictureLength, piecesOf } from './fake-picture.ts'

export function refuse(call: Call, { status, headers, details, type, code, param, message }: Refusal): Response {
  end(call, `refused:${status}:${code}`)
  const body = JSON.stringify({ error: { message, type, param, code, ...details } })
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** The ordered pictures; `serial` makes those of each call different. */
export async function answer(request: Request, call: Call, order: Order, serial: number): Promise<Response> {
  const gallery = new Gallery()
  const parts = gallery.split(await compose(order, new URL(request.url).origin, serial, gallery))
  call.tokens = tokensOf(order)
  const { fault, paceMs, done } = order.markers
  const options = { fault, partials: order.partials, escaped: order.as === 'escaped', paceMs }
  const encoder = new TextEncoder()
  async function* pieces(signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    for await (const { text, at } of fill(parts, options, signal)) {
      // A client that knows the answer to be complete may stop reading.
      if (at === parts.length - 1) {
        if (fault === 'silence-after-image') {
          yield encoder.encode(text.slice(0, 1))
          await silence(signal)
        }
        settle(call, outcome)
      }
      yield encoder.encode(text)
    }
    if (!order.stream || !done) return
    await wait(paceMs, signal)
    yield encoder.encode('data: [DONE]\n\n')
  }
  const outcome = fault === undefined ? 'answered' : (`fault:${fault}` as const)
  const contentType = order.stream ? 'text/event-stream; charset=utf-8' : 'application/json'
  return new Response(track(request, call, pieces, outcome), { headers: { 'content-type': contentType } })
}

/** A picture behind a URL of an answer. Its name has all of its data, so that any process can serve it. */
export async function serveFile(request: Request, call: Call): Promise<Response> {
  const [, seed, length, format] = /^\/files\/([0-9a-f]{16})(?:-(\d+))?\.([a-z]+)$/.exec(call.path) ?? []
  if (request.headers.has('authorization')) {
    const message = 'A signed URL takes no Authorization header.'
    return refuse(call, invalidRequest('unexpected_authorization', null, message))
  }
  if (!seed || !format)
    return refuse(call, { ...invalidRequest('not_found', null, 'No such file any more.'), status: 410 })
  const picture = await makePicture(format, seed, Number(length ?? 0))
  async function* pieces(): AsyncGenerator<Uint8Array, void> {
    for (const piece of piecesOf(picture)) yield piece.slice()
  }
  const headers = { 'content-type': `image/${format}`, 'content-length': String(pictureLength(picture)) }
  return new Response(track(request, call, pieces, 'answered'), { headers })
}

/** A body that records its end in the call. */
function track(
  request: Request,
  call: Call,
  pieces: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void>,
  outcome: Outcome,
): ReadableStream<Uint8Array> {
  call.outcome = 'answering'
  const cancelled = new AbortController()
  const signal = AbortSignal.any([request.signal, cancelled.signal])
  async function* tracked(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* pieces(signal)
    } finally {
      settle(call, outcome)
    }
  }
  return streamOf(tracked(), request.signal, () => {
    leave(call)
    cancelled.abort()
  })
}
