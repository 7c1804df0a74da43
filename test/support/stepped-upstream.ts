import type { FakeOpenai } from './fake-openai'
import { internet } from './internet'

/** An upstream with streams that go on frame by frame, on command; other answers are held as a whole. */
export class SteppedUpstream {
  readonly #fake: FakeOpenai
  #allowed: number
  #changed = Promise.withResolvers<void>()

  constructor(fake: FakeOpenai, allowed: number) {
    this.#fake = fake
    this.#allowed = allowed
    internet({ 'api.openai.com': this })
  }

  /** Lets all go on to their ends. */
  open(): void {
    this.step(Infinity)
  }

  /** Lets each go on for so many frames more. */
  step(frames = 1): void {
    this.#allowed += frames
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  async handle(request: Request): Promise<Response> {
    const response = await this.#fake.handle(request)
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream) return new Response(response.body?.pipeThrough(this.#frames()), response)
    await this.#turn(Infinity)
    return response
  }

  #frames(): TransformStream<Uint8Array, Uint8Array> {
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()]
    let [rest, sent] = ['', 0]
    return new TransformStream({
      transform: async (bytes, controller) => {
        const frames = (rest + decoder.decode(bytes, { stream: true })).split(/(?<=\n\n)/)
        rest = frames.at(-1)?.endsWith('\n\n') ? '' : (frames.pop() ?? '')
        for (const frame of frames) {
          await this.#turn(++sent)
          controller.enqueue(encoder.encode(frame))
        }
      },
    })
  }

  async #turn(frame: number): Promise<void> {
    const isHeld = (): boolean => frame > this.#allowed
    while (isHeld()) await this.#changed.promise
  }
}
