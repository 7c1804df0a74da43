import * as z from 'zod'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import type { Place, Refusal } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import { pixelsOf } from '../catalog/sizes'
import { WORKERS_AI_MODELS } from '../catalog/workers-ai-models'
import type { ImageRequest, InputImage } from '../image/request'
import { collect, readStream } from '../streams/bytes'
import { type FormBody, formBody, textsOf } from '../streams/form'
import { type EmbeddedFile, jsonBody } from '../streams/json-body'
import { bearer, bodyStream, callUpstream, modelInPath, readingImage, requireSuccess } from './wire/http'
import { inputBase64, inputFile, withWhiteMask } from './wire/inputs'
import { readPictures } from './wire/json-pictures'
import { optionalText } from './wire/lenient'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import type { ErrorReader, ErrorReport } from './wire/error-report'
import { noteBuying } from './wire/unusable-answer'
import { errorOfReport, errorOfResponse } from './wire/upstream-error'

/** The optional parameters of the API, by the gateway's names (protocols §4). */
const API_EXTRAS = ['seed', 'negative_prompt', 'steps', 'guidance', 'strength']
/** The input pictures of the most capable models. */
const MAX_API_INPUTS = 4

/** Workers AI as the platform binds it. */
const aiBinding = z.custom<Ai>((value) => typeof value === 'object' && value !== null && 'run' in value)

/** Workers AI (protocols §4), by its REST API or by the platform's binding. Each answer holds one picture. */
export const workersAiProvider: Provider = {
  id: 'workers-ai',
  bound: {
    binding: 'AI',
    schema: aiBinding,
    baseUrl: 'https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/run',
    models: Object.keys(WORKERS_AI_MODELS),
  },
  capability: (model) => ({
    ...model,
    ...PROMPT_ONLY,
    // The API has no parameter for the format, so the format of an unknown model is only a label.
    formats: model.formats ?? ['png'],
    extras: API_EXTRAS.filter((name) => model.extras?.includes(name) ?? true),
    maxInputs: Math.min(model.maxInputs ?? 1, MAX_API_INPUTS),
    mask: model.mask ?? false,
  }),
  async *generate(asked, upstream, given) {
    const { request, work } = await withWhiteMask(asked, given)
    const binding = aiBinding.safeParse(upstream.binding).data
    const response = await (binding
      ? runByBinding(binding, request, upstream, work)
      : runByRest(request, upstream, work))
    yield { type: 'accepted', requestId: response.headers.get('cf-ai-req-id') ?? undefined }
    yield* answerEvents(response, upstream, work)
    yield { type: 'summary', summary: {} }
  },
}

async function runByRest(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const form = requestForm(request, work)
  const parted = form ?? jsonBody(await requestFields(request, work, (image) => inputBase64(image, work)))
  const ask = {
    account: bearer(upstream),
    headers: { 'content-type': form?.contentType ?? 'application/json' },
    parted,
  }
  return await callUpstream(upstream, work, `/${modelInPath(work.model)}`, ask, readError)
}

/** Asks the binding for the raw answer, so that its base64 is not held. Other types of answers are read too. */
async function runByBinding(binding: Ai, request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const form = requestForm(request, work)
  const inputs = form
    ? { multipart: { body: form.body, contentType: form.contentType } }
    : await requestFields(request, work, (image) => holdAsBase64(image, work))
  const startedMs = Date.now()
  try {
    const response = responseFrom(
      await binding.run(work.model, inputs, { returnRawResponse: true, signal: work.signal }),
    )
    noteBuying(response, startedMs)
    return await requireSuccess(response, upstream, readError)
  } catch (error) {
    // The upstream's error is only a result of the broken-off body.
    throw form?.unopened() ?? (error instanceof ProviderError ? error : bindingError(error, upstream))
  }
}

function responseFrom(given: unknown): Response {
  if (given instanceof Response) return given
  if (given instanceof ReadableStream || given instanceof ArrayBuffer) return new Response(given)
  if (given instanceof Uint8Array) return new Response(Uint8Array.from(given))
  return Response.json(given ?? null)
}

/** Reads an error of the binding, as `InferenceUpstreamError: 3040: Capacity temporarily exceeded…`. */
function bindingError(error: unknown, upstream: Upstream): ProviderError {
  const message = String(error)
  const [, code] = /\b(\d{4,5})\s*:/.exec(message) ?? []
  const said = reportOfCode(Number(code), message)
  return errorOfReport({ ...said, kind: said.kind ?? 'unavailable' }, upstream)
}

/** The name of `steps`: FLUX.1 and FLUX.2 differ from the other models. */
const stepsField = (model: string): string => (/\/flux-[12]-/.test(model) ? 'steps' : 'num_steps')

/** FLUX.1 schnell has one size and no parameter for it. The model refuses any other size. */
const isImpliedSize = (model: string, size: string): boolean =>
  model.endsWith('/flux-1-schnell') && size === '1024x1024'

/** The parameters besides pictures, by the model's names. Unset ones are undefined. */
function textFields({ prompt, size, extras }: ImageRequest, model: string): Record<string, unknown> {
  return {
    prompt,
    ...(isImpliedSize(model, size) ? undefined : pixelsOf(size)),
    [stepsField(model)]: extras['steps'],
    guidance: extras['guidance'],
    seed: extras['seed'],
    negative_prompt: extras['negative_prompt'],
    strength: extras['strength'],
  }
}

/** The request as a form for FLUX.2. Undefined for models with JSON. */
function requestForm(request: ImageRequest, work: Work): FormBody | undefined {
  if (!/\/flux-2-/.test(work.model)) return undefined
  if (request.mask) throw rejection({ reason: 'unknown_parameter', field: 'mask' })
  const files = request.images.map((image, at) => inputFile(`input_image_${at}`, image, work))
  return formBody(textsOf(textFields(request, work.model)), files)
}

/** The request as JSON fields. `embed` encodes the input picture. */
async function requestFields(
  request: ImageRequest,
  work: Work,
  embed: (image: InputImage) => EmbeddedFile | Promise<string>,
): Promise<Record<string, unknown>> {
  const { images, mask } = request
  const [image] = images
  if (images.length > 1) throw rejection({ reason: 'too_many_images', field: 'images', maximum: 1 })
  return {
    ...textFields(request, work.model),
    image_b64: image && (await embed(image)),
    // The API takes a mask as an array only (protocols §4). The binding cannot stream that.
    mask: mask && Array.from(await holdInput(mask, 'mask', MAX_MASK_BYTES, work)),
  }
}

/** The limit of a mask in bytes: black and white compresses well, and an array takes eight times the memory. */
const MAX_MASK_BYTES = 256 * 1024
/** The limit of a picture in bytes. The binding takes no stream for JSON, so the picture is held twice. */
const MAX_HELD_BYTES = 2 * 1024 * 1024

const holdAsBase64 = async (image: InputImage, work: Work): Promise<string> =>
  (await holdInput(image, 'image', MAX_HELD_BYTES, work)).toBase64()

async function holdInput(image: InputImage, field: Place, maximumBytes: number, work: Work): Promise<Uint8Array> {
  if (image.bytes <= maximumBytes) return await collect(readStream(await work.open(image)))
  throw rejection({ reason: 'image_too_large_for_model', field, maximumBytes })
}

const rejection = (refusal: Refusal): ProviderError =>
  new ProviderError('rejected', 'does not take these pictures', { failure: refusing(refusal) })

/** The picture is a string in JSON, which REST wraps in `result`, or the whole body. */
async function* answerEvents(response: Response, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  if (!/json|text/i.test(response.headers.get('content-type') ?? '')) {
    yield { type: 'image', index: 0, bytes: readingImage(readStream(bodyStream(response))) }
    return
  }
  const { said, entries } = yield* readPictures(response, work)
  if (entries.length === 0) throw errorOfResponse(response, upstream, said, readError)
}

/** The daily free allocation is used up. The rest of the day (UTC) is unknown, so the account waits an hour. */
const ALLOCATION_WAIT_MS = 3_600_000

const MODEL_UNAVAILABLE: ErrorReport = { kind: 'misconfigured', scope: 'model' }

/**
 * The meaning of each code, at any status (protocols §4). 4006 equals 3036. Codes of five digits belong to Cloudflare's
 * whole API.
 */
const CODE_MEANINGS: ReadonlyMap<number, ErrorReport> = new Map<number, ErrorReport>([
  [3003, { kind: 'rejected' }],
  [3006, { kind: 'rejected' }],
  [3030, { kind: 'rejected' }],
  [5004, { kind: 'rejected' }],
  [3007, { kind: 'unavailable' }],
  [3008, { kind: 'unavailable' }],
  [3036, { kind: 'throttled', waitMs: ALLOCATION_WAIT_MS }],
  [4006, { kind: 'throttled', waitMs: ALLOCATION_WAIT_MS }],
  [3040, { kind: 'throttled' }],
  [3041, MODEL_UNAVAILABLE],
  [3042, MODEL_UNAVAILABLE],
  [5005, MODEL_UNAVAILABLE],
  [5007, MODEL_UNAVAILABLE],
  [5016, MODEL_UNAVAILABLE],
  [5018, MODEL_UNAVAILABLE],
  [5019, MODEL_UNAVAILABLE],
  [3023, { kind: 'misconfigured' }],
  [10_000, { kind: 'misconfigured' }],
])

const numericCode = z.coerce.number().catch(0)
/** The error body of REST, then that of the binding's raw answers. */
const errorReply = z.union([
  z
    .object({ errors: z.tuple([z.object({ code: numericCode, message: optionalText })], z.unknown()) })
    .transform(({ errors: [first] }) => first),
  z
    .object({ internalCode: numericCode, description: optionalText })
    .transform((said) => ({ code: said.internalCode, message: said.description })),
])

const readError: ErrorReader = (body) => {
  const { data } = errorReply.safeParse(body)
  return data ? reportOfCode(data.code, data.message ?? '') : {}
}

/** The filters have no code. Their sentences tell, such as `Input prompt contains NSFW content`. */
const MODERATED_MESSAGE = /^(?:input|output|your) .*\b(?:contains nsfw content|has been flagged)\b/i

function reportOfCode(said: number, words: string): ErrorReport {
  const message = words.replace(/^(?:\w*Error: |\d{4,5}\s*: )+/, '').replace(/ \([\da-f-]{36}\)$/, '')
  if (MODERATED_MESSAGE.test(message)) return { message, kind: 'rejected', moderated: true }
  return { message, ...CODE_MEANINGS.get(said) }
}
