import { vi } from 'vitest'
import { configOf } from '../../src/config'
import { DEFAULTS, type ImageRequest, type InputImage } from '../../src/image/request'
import { ProviderError, type ProviderEvent, type Upstream, Withdrawn, type Work } from '../../src/providers/provider'
import { linkedPictures } from '../../src/providers/wire/linked-pictures'
import { failureInWords } from '../../src/failures/words'
import { type Bytes, collect } from '../../src/streams/bytes'
import type { FakeProvider } from './fake-provider'
import { OPENAI } from './openai-account'
import { picture } from './pictures'
import { environment } from './settings'

/** A fake's own account, as the settings of `playing` configure it. */
export function accountOf({ provider }: Pick<FakeProvider, 'provider'>): Upstream {
  const upstream = configOf(environment()).upstreams.find(({ name }) => name === provider)
  if (!upstream) throw new Error(`There is no upstream ${provider}.`)
  return upstream
}

/** A request for a picture with two previews, by default. */
export const asking = (prompt: string, said: Partial<ImageRequest> = {}): ImageRequest => ({
  operation: 'generate',
  model: 'gpt-image-2',
  prompt,
  ...DEFAULTS,
  extras: {},
  images: [],
  partials: 2,
  ...said,
})

const INPUT: InputImage = { key: 'input', sha256: 'input', bytes: 1000, mediaType: 'image/png' }

/** The same for an edit of one picture, which `run` has at hand. */
export const askingToEdit = (prompt: string, said: Partial<ImageRequest> = {}): ImageRequest =>
  asking(prompt, { operation: 'edit', images: [INPUT], ...said })

type Pictured = Extract<ProviderEvent, { bytes: Bytes }>
/** The reported events, with the reader's result for each picture. */
export type Told = Exclude<ProviderEvent, Pictured> | (Omit<Pictured, 'bytes'> & { picture: string }) | ProviderError

export type Reader = (bytes: Bytes, event: Pictured) => Promise<string>

/** Its length, and the letters of a PNG's signature. */
export const look: Reader = async (bytes) => {
  const all = await collect(bytes)
  return `${all.length} ${new TextDecoder('latin1').decode(all.subarray(1, 4))}`
}

/** Skips a preview that is no image, and a withdrawn picture, as a run does. */
const lookOrPass: Reader = (bytes, event) =>
  look(bytes, event).catch((error: unknown) => {
    const isNone = event.type === 'partial' && error instanceof ProviderError && error.cause instanceof SyntaxError
    if (isNone) return 'none'
    if (error instanceof Withdrawn) return 'withdrawn'
    throw error
  })

interface Way {
  upstream?: Upstream
  reader?: Reader
  /** The upstream's job that an earlier process began. */
  job?: string | undefined
  /** Opens an input picture. */
  open?: Work['open']
}

const input = async (): Promise<ReadableStream<Uint8Array>> => new Blob([await picture('input', INPUT.bytes)]).stream()

/** Runs a provider's request without the gateway; a failure is the last event. */
export async function run(
  request: ImageRequest,
  { upstream = OPENAI, reader = lookOrPass, job, open = input }: Way = {},
): Promise<Told[]> {
  const told: Told[] = []
  const { signal } = new AbortController()
  try {
    const work = {
      model: request.model,
      signal,
      open,
      download: linkedPictures(upstream, { allowPrivateUrls: false }),
      job,
    }
    for await (const event of upstream.provider.generate(request, upstream, work)) {
      if (!('bytes' in event)) told.push(event)
      else {
        const { bytes, ...rest } = event
        told.push({ ...rest, picture: await reader(bytes, event) })
      }
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    told.push(inWords(error))
  }
  return told
}

/** The error with its failure in the words of OpenAI's Images API. */
function inWords({ kind, message, facts, cause }: ProviderError): ProviderError {
  const failure = facts.failure && failureInWords(facts.failure)
  return new ProviderError(kind, message, { ...facts, failure }, { cause })
}

/**
 * The same with pauses that take no time: the clocks move on until the real ones return. Returns the duration by them,
 * in ms.
 */
export async function runInNoTime(request: ImageRequest, way: Way): Promise<{ told: Told[]; tookMs: number }> {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.now() })
  const startMs = Date.now()
  const over = new AbortController()
  const running = run(request, way).finally(() => over.abort())
  while (!over.signal.aborted) {
    if (vi.getTimerCount() > 0) await vi.advanceTimersToNextTimerAsync()
    else await scheduler.wait(1)
  }
  return { told: await running, tookMs: Date.now() - startMs }
}

/** The last accepted job. */
export const jobIn = (told: readonly Told[]): string | undefined =>
  told.flatMap((each) => ('type' in each && each.type === 'accepted' && each.job ? [each.job] : [])).at(-1)
