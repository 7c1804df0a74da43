import { DEFAULTS, type ImageRequest } from '../../src/image/request'
import { openai } from '../../src/providers/openai'
import { ProviderError, type ProviderEvent, type Upstream } from '../../src/providers/provider'
import { type Bytes, collect, read } from '../../src/streams/bytes'
import { picture } from './pictures'

const OPENAI: Upstream = {
  name: 'openai',
  provider: openai,
  account: 0,
  credential: 'sk-upstream-secret',
  baseUrl: 'https://api.openai.com/v1',
  models: [],
  priority: 0,
  standIn: false,
  timeoutMs: 60_000,
  delayMs: 0,
  prices: new Map(),
}

/** A request for a picture with two previews, unless said otherwise. */
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

/** The same for an edit of one picture. */
export const askingToEdit = (prompt: string, said: Partial<ImageRequest> = {}): ImageRequest =>
  asking(prompt, {
    operation: 'edit',
    images: [{ key: 'input', sha256: 'input', bytes: 1000, mediaType: 'image/png' }],
    ...said,
  })

type Pictured = Extract<ProviderEvent, { bytes: Bytes }>
/** What was told: of a picture, what its reader said. */
export type Told = Exclude<ProviderEvent, Pictured> | (Omit<Pictured, 'bytes'> & { picture: string }) | ProviderError

export type Reader = (bytes: Bytes, event: Pictured) => Promise<string>

/** Its length, and what the first bytes of a PNG spell. */
export const look: Reader = async (bytes) => {
  const all = await collect(bytes)
  return `${all.length} ${new TextDecoder('latin1').decode(all.subarray(1, 4))}`
}

/** As a run does it, which does without a preview that is none. */
export const lookOrPass: Reader = (bytes, event) =>
  look(bytes, event).catch((error: unknown) => {
    const isNone = event.type === 'partial' && error instanceof ProviderError && error.cause instanceof SyntaxError
    if (isNone) return 'none'
    throw error
  })

/** Has OpenAI's provider make the pictures of a request, without a gateway around it; its failure is told last. */
export async function run(request: ImageRequest, reader: Reader = lookOrPass): Promise<Told[]> {
  const told: Told[] = []
  const work = {
    model: request.model,
    signal: new AbortController().signal,
    open: async () => new Blob([await picture('input', 1000)]).stream(),
    download,
  }
  try {
    for await (const event of openai.generate(request, OPENAI, work)) {
      if (!('bytes' in event)) told.push(event)
      else {
        const { bytes, ...rest } = event
        told.push({ ...rest, picture: await reader(bytes, event) })
      }
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    told.push(error)
  }
  return told
}

async function* download(url: string): Bytes {
  yield* read((await fetch(url)).body ?? new ReadableStream())
}
