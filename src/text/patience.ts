import { GatewayError } from '../runtime/errors'
import { CANCELLED } from '../generation/failures'

/**
 * For how long an answer is read on whose client has gone, so that its tokens are known, in ms: within the 30 s that the
 * runtime gives what is still under way then (platform §4), it has to be settled as well.
 */
const PATIENCE_MS = 20_000

/** How long something is gone on with for a client that may go away. */
export class Patience {
  readonly #client: AbortSignal
  readonly #controller = new AbortController()
  readonly #gone = Promise.withResolvers<void>()
  readonly #lost = Promise.withResolvers<never>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: AbortSignal) {
    this.#client = client
    // Nobody may be waiting.
    this.#lost.promise.catch(() => {})
    if (client.aborted) this.#begin()
    else client.addEventListener('abort', this.#begin)
  }

  /** Resolves when the client goes away. */
  get gone(): Promise<void> {
    return this.#gone.promise
  }

  /** Aborted with a GatewayError once the client has been gone for long enough. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Waits for something, but no longer than that. Throws GatewayError `cancelled`, and what it throws. */
  wait<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost.promise])
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#client.removeEventListener('abort', this.#begin)
  }

  readonly #begin = (): void => {
    this.#gone.resolve()
    this.#timer = setTimeout(() => this.#lose(new GatewayError(CANCELLED)), PATIENCE_MS)
  }

  #lose(reason: GatewayError): void {
    this.#lost.reject(reason)
    this.#controller.abort(reason)
  }
}
