import { textAnswer } from './fake-text'

/** A stream of events that goes on frame by frame, on command. */
export class SteppedText {
  readonly #frames: string[]
  #allowed: number
  #changed = Promise.withResolvers<void>()

  constructor(frames: string[], allowed = 0) {
    this.#frames = frames
    this.#allowed = allowed
  }

  /** Lets it go on for so many frames more, its end included. */
  step(frames = 1): void {
    this.#allowed += frames
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  readonly answer = (): Response => {
    let sent = 0
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const isHeld = (): boolean => sent >= this.#allowed
      while (isHeld()) await this.#changed.promise
      const frame = this.#frames[sent++]
      if (frame === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(frame))
    }
    return textAnswer(new ReadableStream({ pull }), 'text/event-stream')
  }
}
