import * as z from 'zod'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { tooManyInputs, unknownParameter } from '../refusals/refusals'
import { pixelsOf } from '../catalog/sizes'
import { WORKERS_AI_MODELS } from '../catalog/workers-ai-models'
import type { Failure } from '../runtime/errors'
import type { ImageRequest, InputImage } from '../image/request'
import { collect, readStream } from '../streams/bytes'
import { type FormBody, formBody, textsOf } from '../streams/form'
import type { Path } from '../streams/json'
import { type EmbeddedFile, jsonBody } from '../streams/json-body'
import { bearer, bodyOf, call, inPath, readingImage } from './wire/http'
import { base64Of, fileOf, withWhiteMask } from './wire/inputs'
import { picturesOf } from './wire/json-pictures'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { errorIn, type ErrorReader, errorOf, errorSaid, type Said } from './wire/refusal'

/** Its parameters for what only some models know, by our names for them (protocols §4). */
const EXTRAS = ['seed', 'negative_prompt', 'steps', 'guidance', 'strength']
/** How many pictures to edit its most capable models take. */
const MAX_INPUTS = 4

/** Workers AI (protocols §4), by its REST API or as the platform binds it: a picture comes with the answer to each call. */
export const workersAi: Provider = {
  id: 'workers-ai',
  bound: {
    baseUrl: 'https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/run',
    models: Object.keys(WORKERS_AI_MODELS),
  },
  capability: (model) => ({
    ...model,
    ...PROMPT_ONLY,
    // A format cannot be asked for, so that of a model that nobody has heard of is whatever it is.
    formats: model.formats ?? ['png'],
    extras: EXTRAS.filter((name) => model.extras?.includes(name) ?? true),
    maxInputs: Math.min(model.maxInputs ?? 1, MAX_INPUTS),
    mask: model.mask ?? false,
  }),
  async *generate(asked, upstream, given) {
    const { request, work } = await withWhiteMask(asked, given)
    const response = await (upstream.binding
      ? run(upstream.binding, request, upstream, work)
      : post(request, upstream, work))
    yield { type: 'accepted', requestId: response.headers.get('cf-ai-req-id') ?? undefined }
    yield* answer(response, upstream, work)
    yield { type: 'summary', summary: {} }
  },
}

async function post(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const form = formOf(request, work)
  const parted = form ?? jsonBody(await fieldsOf(request, work, (image) => base64Of(image, work)))
  const ask = {
    account: bearer(upstream),
    headers: { 'content-type': form?.contentType ?? 'application/json' },
    parted,
  }
  return await call(upstream, work, `/${inPath(work.model)}`, ask, readError)
}

/** Asks for the raw answer, so that its base64 need not be held; what comes instead of it is taken as well. */
async function run(binding: Ai, request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const form = formOf(request, work)
  const inputs = form
    ? { multipart: { body: form.body, contentType: form.contentType } }
    : await fieldsOf(request, work, (image) => heldBase64(image, work))
  try {
    const given = await binding.run(work.model, inputs, { returnRawResponse: true, signal: work.signal })
    const response = responseOf(given)
    if (response.ok) return response
    throw errorOf(response, upstream, response.body ? await errorIn(readStream(response.body)) : undefined, readError)
  } catch (error) {
    // An upstream that got half a body is not to blame for what it says.
    throw form?.unopened() ?? (error instanceof ProviderError ? error : thrown(error, upstream))
  }
}

function responseOf(given: unknown): Response {
  if (given instanceof Response) return given
  if (given instanceof ReadableStream || given instanceof ArrayBuffer) return new Response(given)
  if (given instanceof Uint8Array) return new Response(Uint8Array.from(given))
  return Response.json(given ?? null)
}

/** What an error of the binding says: `InferenceUpstreamError: 3040: Capacity temporarily exceeded…`. */
function thrown(error: unknown, upstream: Upstream): ProviderError {
  const message = String(error)
  const [, code] = /\b(\d{4,5})\s*:/.exec(message) ?? []
  const said = saidOf(Number(code), message)
  return errorSaid({ ...said, kind: said.kind ?? 'unavailable' }, upstream)
}

/** What the models call what we call steps: those that take a form, and the first of their family, differ from the rest. */
const stepsOf = (model: string): string => (/\/flux-[12]-/.test(model) ? 'steps' : 'num_steps')

/** What the one model makes that has no parameter for the size: any other is for it to refuse. */
const isSizeOf = (model: string, size: string): boolean => model.endsWith('/flux-1-schnell') && size === '1024x1024'

/** The parameters besides the pictures, by the names that the model has for them; undefined what is not said. */
function wordsOf({ prompt, size, extras }: ImageRequest, model: string): Record<string, unknown> {
  return {
    prompt,
    ...(isSizeOf(model, size) ? undefined : pixelsOf(size)),
    [stepsOf(model)]: extras['steps'],
    guidance: extras['guidance'],
    seed: extras['seed'],
    negative_prompt: extras['negative_prompt'],
    strength: extras['strength'],
  }
}

/** The request as a form, which the models of the FLUX.2 family want; undefined for those that want JSON. */
function formOf(request: ImageRequest, work: Work): FormBody | undefined {
  if (!/\/flux-2-/.test(work.model)) return undefined
  if (request.mask) throw refused(unknownParameter('mask'))
  const files = request.images.map((image, at) => fileOf(`input_image_${at}`, image, work))
  return formBody(textsOf(wordsOf(request, work.model)), files)
}

/** The request as the fields of a JSON text; `embed` gives the picture to edit its form. */
async function fieldsOf(
  request: ImageRequest,
  work: Work,
  embed: (image: InputImage) => EmbeddedFile | Promise<string>,
): Promise<Record<string, unknown>> {
  const { images, mask } = request
  const [image] = images
  if (images.length > 1) throw refused(tooManyInputs(1))
  return {
    ...wordsOf(request, work.model),
    image_b64: image && (await embed(image)),
    // There is no other form for it (protocols §4), and a number for each byte cannot be streamed through the binding.
    mask: mask && Array.from(await held(mask, 'mask', MAX_MASK_BYTES, work)),
  }
}

/** A mask is black and white, and hardly ever larger; as numbers it takes up to eight times that. */
const MAX_MASK_BYTES = 256 * 1024
/** The binding takes no stream where it takes JSON, so that a picture is held as base64, and once more within its text. */
const MAX_HELD_BYTES = 2 * 1024 * 1024

const heldBase64 = async (image: InputImage, work: Work): Promise<string> =>
  (await held(image, 'image', MAX_HELD_BYTES, work)).toBase64()

async function held(image: InputImage, param: string, maxBytes: number, work: Work): Promise<Uint8Array> {
  if (image.bytes <= maxBytes) return await collect(readStream(await work.open(image)))
  const message = `Invalid '${param}': this model takes a picture of at most ${maxBytes / 1024} KiB there.`
  throw refused({ code: 'invalid_request', message, param, reason: 'invalid_value' })
}

const refused = (failure: Failure): ProviderError =>
  new ProviderError('rejected', 'takes no such pictures', { failure })

/** The picture is a string of a JSON text, or all there is. */
async function* answer(response: Response, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  if (!/json|text/i.test(response.headers.get('content-type') ?? '')) {
    yield { type: 'image', index: 0, bytes: readingImage(readStream(bodyOf(response))) }
    return
  }
  const { said, count } = yield* picturesOf(response, work, indexOf)
  if (count === 0) throw errorOf(response, upstream, said, readError)
}

/** REST puts into `result` what the binding gives as it is. */
const indexOf = (path: Path): number | undefined => (['image', 'result image'].includes(path.join(' ')) ? 0 : undefined)

/** The free allocation begins anew each day (UTC), of which nothing says how much is left: in an hour, one knows more. */
const ALLOCATION_WAIT_MS = 3_600_000

const OF_MODEL: Said = { kind: 'misconfigured', ofModel: true }

/** What its codes mean, whatever the status (protocols §4); 4006 is 3036 by another name, and five digits are of all its API. */
const CODES: ReadonlyMap<number, Said> = new Map<number, Said>([
  [3003, { kind: 'rejected' }],
  [3006, { kind: 'rejected' }],
  [3030, { kind: 'rejected' }],
  [5004, { kind: 'rejected' }],
  [3007, { kind: 'unavailable' }],
  [3008, { kind: 'unavailable' }],
  [3036, { kind: 'throttled', waitMs: ALLOCATION_WAIT_MS }],
  [4006, { kind: 'throttled', waitMs: ALLOCATION_WAIT_MS }],
  [3040, { kind: 'throttled' }],
  [3041, OF_MODEL],
  [3042, OF_MODEL],
  [5005, OF_MODEL],
  [5007, OF_MODEL],
  [5016, OF_MODEL],
  [5018, OF_MODEL],
  [5019, OF_MODEL],
  [3023, { kind: 'misconfigured' }],
  [10_000, { kind: 'misconfigured' }],
])

const text = z.string().nullish().catch(null)
const code = z.coerce.number().catch(0)
/** As REST has it, and as the binding's raw answers do. */
const errorReply = z.union([
  z
    .object({ errors: z.tuple([z.object({ code, message: text })], z.unknown()) })
    .transform(({ errors: [first] }) => first),
  z
    .object({ internalCode: code, description: text })
    .transform((said) => ({ code: said.internalCode, message: said.description })),
])

const readError: ErrorReader = (body) => {
  const { data } = errorReply.safeParse(body)
  return data ? saidOf(data.code, data.message ?? '') : {}
}

/** Its filters have no code of their own: their sentences tell, such as `Input prompt contains NSFW content`. */
const MODERATED = /^(?:input|output|your) .*\b(?:contains nsfw content|has been flagged)\b/i

function saidOf(said: number, words: string): Said {
  const message = words.replace(/^(?:\w*Error: |\d{4,5}\s*: )+/, '').replace(/ \([\da-f-]{36}\)$/, '')
  if (MODERATED.test(message)) return { message, kind: 'rejected', moderated: true }
  return { message, ...CODES.get(said) }
}
