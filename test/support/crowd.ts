import type { FakeOpenai } from './fake-openai'
import { internet } from './internet'

/**
 * An upstream that counts its requests in flight. A request ends with its answer, with an abort, or with the death of
 * its caller. The fake shares a process with the callers, so an aborted object's work may go on here. A real connection
 * would be cut.
 */
export class Crowd {
  readonly #inside = new Set<symbol>()
  most = 0
  /** The number of calls, and of those that lost their caller to a death. */
  came = 0
  lost = 0

  constructor(upstream: FakeOpenai) {
    internet({ 'api.openai.com': { handle: (request) => this.#serve(upstream, request) } })
  }

  /** Counts every request in flight as lost. */
  callersDied(): void {
    this.lost += this.#inside.size
    this.#inside.clear()
  }

  async #serve(upstream: FakeOpenai, request: Request): Promise<Response> {
    const call = Symbol('call')
    this.#inside.add(call)
    this.came += 1
    this.most = Math.max(this.most, this.#inside.size)
    const leave = (): void => void this.#inside.delete(call)
    request.signal.addEventListener('abort', leave)
    const response = await upstream.handle(request)
    const toTheEnd = new TransformStream<Uint8Array, Uint8Array>({ flush: leave })
    return new Response(response.body?.pipeThrough(toTheEnd), response)
  }
}
