import { extensionOf } from '../image/media-type'
import { DEFAULTS, type ImageRequest, type InputImage } from '../image/request'
import { read } from '../streams/bytes'
import { type FormFile, formBody } from '../streams/form'
import { JsonStream, type Path } from '../streams/json'
import { bodyOf, call, errorOf, readingImage } from './http'
import { streamed } from './openai-events'
import { pictureIn, summaryOf, unreadable } from './openai-reply'
import { pass } from './openai-text'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'

/** OpenAI's Images API, and every relay that speaks it (protocols §1); their text models besides. */
export const openai: Provider = {
  id: 'openai',
  wellKnown: {
    secret: 'OPENAI_API_KEY',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-image-*', 'chatgpt-image-latest'],
  },
  async *generate(request, upstream, work) {
    const response = await askAsKnown(request, upstream, work)
    yield {
      type: 'accepted',
      requestId: response.headers.get('x-request-id') ?? undefined,
      organization: response.headers.get('openai-organization') ?? undefined,
    }
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
    yield* isStream ? streamed(response, request, upstream, work) : answer(response, upstream, work)
  },
  pass,
}

/** Asks for previews where some are wanted, and without them where that is refused: a refusal costs nothing. */
async function askAsKnown(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  try {
    return await ask(request, upstream, work)
  } catch (error) {
    if (request.partials === 0 || !(error instanceof ProviderError) || !mayBeAboutPreviews(error)) throw error
    return await ask({ ...request, partials: 0 }, upstream, work)
  }
}

/** Not every relay names the parameter that it does not know. */
const mayBeAboutPreviews = ({ facts: { failure } }: ProviderError): boolean =>
  failure?.code === 'invalid_request' && ['stream', 'partial_images', undefined].includes(failure.param)

function ask(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const fields = fieldsOf(request, work.model)
  if (request.operation === 'edit') return askForEdit(request, fields, upstream, work)
  return call(upstream, work, '/images/generations', {
    method: 'POST',
    headers: { ...asAccount(upstream), 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })
}

const asAccount = ({ credential }: Upstream): Record<string, string> => ({ authorization: `Bearer ${credential}` })

/** The API's parameters; what has its default is left out, since not every relay knows every one. */
function fieldsOf(request: ImageRequest, model: string): Record<string, unknown> {
  const unless = <Value>(usual: Value, value: Value): Value | undefined => (value === usual ? undefined : value)
  return {
    model,
    prompt: request.prompt,
    n: unless<number>(DEFAULTS.n, request.n),
    size: unless<string>(DEFAULTS.size, request.size),
    quality: unless<string>(DEFAULTS.quality, request.quality),
    background: unless<string>(DEFAULTS.background, request.background),
    moderation: unless<string>(DEFAULTS.moderation, request.moderation),
    output_format: unless<string>(DEFAULTS.format, request.format),
    output_compression: unless<number>(DEFAULTS.compression, request.compression),
    style: request.style,
    input_fidelity: request.inputFidelity,
    stream: request.partials > 0 ? true : undefined,
    partial_images: unless<number>(0, request.partials),
    ...request.extras,
    user: request.endUser,
  }
}

async function askForEdit(
  request: ImageRequest,
  fields: Record<string, unknown>,
  upstream: Upstream,
  work: Work,
): Promise<Response> {
  const texts = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]],
  )
  const name = request.images.length === 1 ? 'image' : 'image[]'
  const form = formBody(Object.fromEntries(texts), [
    ...request.images.map((image) => fileOf(name, image, work)),
    ...(request.mask ? [fileOf('mask', request.mask, work)] : []),
    ...(request.markup ? [fileOf('markup', request.markup, work)] : []),
  ])
  const headers = { ...asAccount(upstream), 'content-type': form.contentType }
  try {
    return await call(upstream, work, '/images/edits', { method: 'POST', headers, body: form.body })
  } catch (error) {
    // An upstream that got half a form is not to blame for what it says.
    throw form.unopened() ?? error
  }
}

const fileOf = (name: string, image: InputImage, work: Work): FormFile => ({
  name,
  filename: `${name.replace('[]', '')}.${extensionOf(image.mediaType)}`,
  mediaType: image.mediaType,
  bytes: image.bytes,
  open: () => work.open(image),
})

const isPicture = ([list, index, name, ...deeper]: Path): boolean =>
  list === 'data' && typeof index === 'number' && (name === 'b64_json' || name === 'url') && deeper.length === 0

async function* answer(response: Response, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const pictures = new Set<number>()
  const urls = new Map<number, string>()
  const json = new JsonStream(read(bodyOf(response)), isPicture)
  try {
    for await (const { path, bytes } of json.strings()) {
      const index = Number(path[1])
      const picture = await pictureIn(bytes)
      if (typeof picture === 'string') urls.set(index, picture)
      else if (picture && !pictures.has(index)) {
        pictures.add(index)
        yield { type: 'image', index, bytes: picture }
      }
    }
    const said = json.value()
    for (const [index, url] of urls) {
      if (pictures.has(index)) continue
      pictures.add(index)
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    if (pictures.size === 0) throw errorOf(response, upstream, said)
    yield { type: 'summary', summary: summaryOf(said) }
  } catch (error) {
    throw unreadable(error, pictures.size > 0)
  }
}
