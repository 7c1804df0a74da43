import * as z from 'zod'
import { extensionOf } from '../image/media-type'
import { DEFAULTS, type ImageRequest, type InputImage } from '../image/request'
import type { Usage } from '../image/record'
import { decodeBase64 } from '../streams/base64'
import { capped, peek, read, text } from '../streams/bytes'
import { type FormFile, formBody } from '../streams/form'
import { JsonStream, type Path, TooLong } from '../streams/json'
import { bodyOf, call, errorOf, readingImage } from './http'
import { type Provider, ProviderError, type ProviderEvent, type Summary, type Upstream, type Work } from './provider'

/** OpenAI's Images API, and every relay that speaks it (protocols §1). */
export const openai: Provider = {
  id: 'openai',
  wellKnown: {
    secret: 'OPENAI_API_KEY',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-image-*', 'chatgpt-image-latest'],
  },
  async *generate(request, upstream, work) {
    const response = await ask(request, upstream, work)
    yield {
      type: 'accepted',
      requestId: response.headers.get('x-request-id') ?? undefined,
      organization: response.headers.get('openai-organization') ?? undefined,
    }
    yield* answer(response, upstream, work)
  },
}

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

/** Only what is read, and what does not fit is passed over: the pictures are here and paid for. */
const words = z.string().nullish().catch(undefined)
const count = z.int().nonnegative()
const tokenDetails = z.object({ text_tokens: count, image_tokens: count }).nullish().catch(undefined)
const reply = z.object({
  data: z
    .array(z.object({ revised_prompt: words }))
    .nullish()
    .catch(undefined),
  size: words,
  quality: words,
  background: words,
  output_format: words,
  usage: z
    .object({
      input_tokens: count,
      output_tokens: count,
      total_tokens: count.nullish(),
      input_tokens_details: tokenDetails,
      output_tokens_details: tokenDetails,
    })
    .nullish()
    .catch(undefined),
})
type Reply = z.infer<typeof reply>

const MAX_URL_BYTES = 16 * 1024

/** A picture's base64 may stand under `url` as a data URL, and its URL may stand beside its base64 (protocols §7.6, §9). */
const isPicture = ([list, index, name, ...deeper]: Path): boolean =>
  list === 'data' && typeof index === 'number' && (name === 'b64_json' || name === 'url') && deeper.length === 0

async function* answer(response: Response, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const pictures = new Set<number>()
  const urls = new Map<number, string>()
  const json = new JsonStream(read(bodyOf(response)), isPicture)
  try {
    for await (const { path, bytes } of json.strings()) {
      const index = Number(path[1])
      const { head, all } = await peek(bytes, 'https:'.length)
      if (/^https?:/.test(new TextDecoder().decode(head)))
        urls.set(index, await text(capped(all, MAX_URL_BYTES, () => new TooLong())))
      else if (head.length > 0 && !pictures.has(index)) {
        pictures.add(index)
        yield { type: 'image', index, bytes: readingImage(decodeBase64(all)) }
      }
    }
    const said = json.value()
    for (const [index, url] of urls) {
      if (pictures.has(index)) continue
      pictures.add(index)
      yield { type: 'image', index, bytes: readingImage(work.download(url)) }
    }
    if (pictures.size === 0) throw errorOf(response, upstream, said)
    yield { type: 'summary', summary: summaryOf(reply.parse(said)) }
  } catch (error) {
    throw unreadable(error, pictures.size > 0)
  }
}

/** An answer that is not the API's at all was hardly paid for; one that breaks off, or goes wrong after a picture, was. */
function unreadable(error: unknown, paid: boolean): ProviderError {
  if (error instanceof ProviderError) return error
  if (!paid && (error instanceof SyntaxError || error instanceof TooLong)) {
    return new ProviderError('unavailable', 'answered with something that is not JSON', {}, { cause: error })
  }
  return new ProviderError('lost', 'broke off its answer', {}, { cause: error })
}

function summaryOf({ data, usage, size, quality, background, output_format: format }: Reply): Summary {
  return {
    size: size ?? undefined,
    quality: quality ?? undefined,
    background: background ?? undefined,
    format: format ?? undefined,
    revisedPrompts: data?.map((item) => item.revised_prompt ?? undefined) ?? [],
    usage: usage ? usageOf(usage) : undefined,
  }
}

function usageOf(said: NonNullable<Reply['usage']>): Usage {
  const details = (given: { text_tokens: number; image_tokens: number } | null | undefined): Usage['inputDetails'] =>
    given ? { text: given.text_tokens, image: given.image_tokens } : undefined
  return {
    input: said.input_tokens,
    inputDetails: details(said.input_tokens_details),
    output: said.output_tokens,
    outputDetails: details(said.output_tokens_details),
    total: said.total_tokens ?? said.input_tokens + said.output_tokens,
  }
}
