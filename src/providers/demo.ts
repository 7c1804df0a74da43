import * as z from 'zod'
import type { Refusal } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import type { ImageRequest } from '../image/request'
import { collect, oneChunk, readStream } from '../streams/bytes'
import { pause } from '../runtime/deadline'
import { type Provider, ProviderError, type ProviderEvent, type Work } from './provider'

/** The size for `auto`. */
const DEMO_AUTO_SIZE = '1024x1024'
const DRAWN_FORMATS = ['png', 'jpeg', 'webp']
/** The number of progress events. */
const PROGRESS_STEPS = 10

/** `delayMs` is the time in which it pretends to work. */
const demoOptions = z.object({ delayMs: z.number().min(0).default(0) })

/**
 * Draws placeholder pictures without an upstream, so that a gateway can be tried without an account. The drawing
 * library loads with the first picture.
 */
export const demoProvider: Provider = {
  id: 'demo',
  isFallback: true,
  async *generate(request, upstream, work) {
    if (!DRAWN_FORMATS.includes(request.format))
      throw rejection({ reason: 'invalid_value', field: 'format', given: request.format, allowed: DRAWN_FORMATS })
    // A resumed job keeps the time of its submission.
    const job = work.job ?? String(Date.now())
    yield { type: 'accepted', job }
    const { delayMs } = demoOptions.parse(upstream.options ?? {})
    if (delayMs > 0) yield* pretendProgress(Number(job), delayMs, work.signal)
    const { drawPlaceholder, UnreadableInput } = await import('./demo-picture')
    const inputs = await readInputs(request, work)
    const size = request.size === 'auto' ? DEMO_AUTO_SIZE : request.size
    for (let index = 0; index < request.n; index++) {
      try {
        const { model, prompt, quality, background, format, compression, n } = request
        const subject = { model, prompt, size, quality, background, format, compression, n, index, inputs }
        yield { type: 'image', index, bytes: oneChunk(await drawPlaceholder(subject)) }
      } catch (error) {
        if (error instanceof UnreadableInput)
          throw rejection({ reason: 'invalid_image', field: 'image', position: error.position })
        throw error
      }
    }
    const background = request.background === 'transparent' ? 'transparent' : 'opaque'
    yield { type: 'summary', summary: { size, background, format: request.format, quality: 'low', usage: NO_USAGE } }
  },
}

/** No upstream worked, so no tokens were used. */
const NO_USAGE = { input: 0, inputDetails: { text: 0, image: 0 }, output: 0, total: 0 }

const rejection = (refusal: Refusal): ProviderError =>
  new ProviderError('rejected', `cannot draw this: ${refusal.reason}`, { failure: refusing(refusal) })

/** The placeholder shows every input, the mask and the markup. */
async function readInputs({ images, mask, markup }: ImageRequest, work: Work): Promise<Uint8Array[]> {
  const inputs: Uint8Array[] = []
  for (const image of [...images, mask, markup].filter((each) => each !== undefined))
    inputs.push(await collect(readStream(await work.open(image))))
  return inputs
}

/** Waits for the rest of `delayMs` since `beganMs` and reports each remaining step. */
async function* pretendProgress(
  beganMs: number,
  delayMs: number,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent, void> {
  const over = Math.max(0, Math.floor(((Date.now() - beganMs) * PROGRESS_STEPS) / delayMs))
  for (let step = over + 1; step <= PROGRESS_STEPS; step++) {
    await pause(beganMs + (delayMs * step) / PROGRESS_STEPS - Date.now(), signal)
    yield { type: 'progress', percent: (100 * step) / PROGRESS_STEPS }
  }
}
