import type { FakeOpenai } from './fake-openai'
import { internet } from './internet'

/**
 * An upstream that counts who is with it at the same time. A call is over when its answer was read to the end, when its
 * caller hung up, or when its caller died: the fake shares a process with the callers, so that what an aborted object had
 * begun may go on in it, where a real connection would have been cut.
 */
export class Crowd {
  readonly #inside = new Set<symbol>()
  most = 0
  /** How many calls there were in all, and how many lost their caller to a death. */
  came = 0
  lost = 0

  constructor(upstream: FakeOpenai) {
    internet({ 'api.openai.com': { handle: (request) => this.#serve(upstream, request) } })
  }

  /** Notes that all callers have died. */
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
