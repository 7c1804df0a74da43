import { GatewayError } from '../failures/errors'
import { CANCELLED } from '../generation/failures'

/**
 * The time for which an answer is read on after its client disconnects, so that its tokens are counted.
 * The settlement has to fit too into the 30 s of the runtime (platform §4).
 */
const DISCONNECT_GRACE_MS = 20_000

/** Goes on with work for a limited time after its client disconnects. */
export class DisconnectGrace {
  readonly #client: AbortSignal
  readonly #controller = new AbortController()
  readonly #disconnected = Promise.withResolvers<void>()
  readonly #lost = Promise.withResolvers<never>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: AbortSignal) {
    this.#client = client
    // Without a waiting caller, the rejection would count as unhandled.
    this.#lost.promise.catch(() => {})
    if (client.aborted) this.begin()
    else client.addEventListener('abort', this.begin)
  }

  /** Resolves when the client disconnects. */
  get disconnected(): Promise<void> {
    return this.#disconnected.promise
  }

  /** Aborted with a GatewayError `cancelled` when the grace is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Waits for work until the grace is over. Throws GatewayError `cancelled`, and the errors of the work. */
  wait<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost.promise])
  }

  /** Stops the timer; the work is done. */
  end(): void {
    clearTimeout(this.#timer)
    this.#client.removeEventListener('abort', this.begin)
  }

  /** Begins the grace: the client has gone, or reads no more. */
  readonly begin = (): void => {
    if (this.#timer !== undefined) return
    this.#disconnected.resolve()
    this.#timer = setTimeout(() => this.#lose(new GatewayError(CANCELLED)), DISCONNECT_GRACE_MS)
  }

  #lose(reason: GatewayError): void {
    this.#lost.reject(reason)
    this.#controller.abort(reason)
  }
}
