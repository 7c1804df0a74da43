import { DEFAULTS, type ImageRequest, unless } from '../../image/request'
import { formBody, textsOf } from '../../streams/form'
import { callUpstream, jsonRequest, type UpstreamRequest } from './http'
import { inputDataUrl, inputFile } from './inputs'
import { answeredImages } from './answered-images'
import { ProviderError, type ProviderEvent, type Upstream, type Work } from '../provider'
import type { ErrorReader } from './error-report'
import { type RelayTask, standingIn, tasksIn } from './relay-task'
import { requestIdOf } from './response-ids'
import { retryAfterMs } from './retry-after'
import { parseTaskJob, type TaskEndpoint, taskError, taskPictures } from './task-job'
import { errorOfResponse, refusalBy } from './upstream-error'

/** OpenAI's Images API at one upstream: its paths, its account headers, and its own error reader if it has one. */
export interface ImagesEndpoint {
  to: (operation: 'generations' | 'edits') => string
  account: Record<string, string>
  readError?: ErrorReader
  /** Whether an answer may be a task in place of pictures (protocols §6.14). */
  tasks?: true
  /** Whether it takes an edit as JSON too. Only JSON has `moderation` (protocols §1.3). */
  editsAsJson?: true
}

/** Makes pictures by OpenAI's Images API (protocols §1). Throws ProviderError. */
export async function* openaiImages(
  request: ImageRequest,
  endpoint: ImagesEndpoint,
  upstream: Upstream,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  const { account, readError } = endpoint
  if (work.job !== undefined) {
    yield { type: 'accepted', job: work.job }
    return yield* taskPictures(parseTaskJob(work.job), request, { upstream, account, readError }, work)
  }
  const response = await requestWithFallback(request, endpoint, upstream, work)
  yield {
    type: 'accepted',
    requestId: requestIdOf(response.headers),
    organization: response.headers.get('openai-organization') ?? undefined,
  }
  const failureOf = (said: unknown): ProviderError => errorOfResponse(response, upstream, said, readError)
  const instead = (said: unknown): AsyncGenerator<ProviderEvent, void> | undefined => {
    const standsFor = { upstream, account, readError }
    if (!endpoint.tasks) return undefined
    if (standingIn(said).standing === 'failed') throw taskError(said, response, standsFor)
    const tasks = tasksIn(said, response.headers)
    return tasks.length > 0 ? picturesOfTasks(tasks, response, request, standsFor, work) : undefined
  }
  yield* answeredImages(response, request.n, work, { failureOf, isRefused: isOfRunningTask, instead })
}

async function* picturesOfTasks(
  tasks: RelayTask[],
  { headers }: Response,
  request: ImageRequest,
  endpoint: TaskEndpoint,
  work: Work,
): AsyncGenerator<ProviderEvent, void> {
  yield { type: 'accepted', requestId: requestIdOf(headers) ?? tasks[0]?.id, job: JSON.stringify({ tasks }) }
  yield* taskPictures({ tasks }, request, endpoint, work, retryAfterMs({}, headers))
}

/** A running task has no pictures yet. Its URL is that of its state. */
const isOfRunningTask = (said: unknown): boolean => standingIn(said).standing === 'running'

/** Repeats the request without previews when they are refused. A refusal costs nothing. */
async function requestWithFallback(
  request: ImageRequest,
  endpoint: ImagesEndpoint,
  upstream: Upstream,
  work: Work,
): Promise<Response> {
  try {
    return await requestImages(request, endpoint, upstream, work)
  } catch (error) {
    if (request.partials === 0 || !(error instanceof ProviderError) || !mayBeAboutPreviews(error)) throw error
    return await requestImages({ ...request, partials: 0 }, endpoint, upstream, work)
  }
}

/** Not every relay names the unknown parameter. */
function mayBeAboutPreviews(error: ProviderError): boolean {
  const refusal = refusalBy(error)
  return refusal !== undefined && ['stream', 'partial_images', undefined].includes(refusal.param)
}

function requestImages(
  request: ImageRequest,
  endpoint: ImagesEndpoint,
  upstream: Upstream,
  work: Work,
): Promise<Response> {
  const { to, account, readError } = endpoint
  const fields = requestFields(request, work.model)
  if (request.operation === 'generate') {
    return callUpstream(upstream, work, to('generations'), { account, ...jsonRequest(fields) }, readError)
  }
  const isJson = endpoint.editsAsJson && fields['moderation'] !== undefined && !request.markup
  const edit = isJson ? jsonRequest({ ...fields, ...inputFields(request, work) }) : editForm(request, fields, work)
  return callUpstream(upstream, work, to('edits'), { account, ...edit }, readError)
}

/** The API's parameters. Defaults are left out, because relays do not know every parameter. */
function requestFields(request: ImageRequest, model: string): Record<string, unknown> {
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

type RequestBody = Pick<UpstreamRequest, 'headers' | 'parted'>

/** An edit as a form, the form of every relay. A markup exists only here. */
function editForm(request: ImageRequest, fields: Record<string, unknown>, work: Work): RequestBody {
  const name = request.images.length === 1 ? 'image' : 'image[]'
  const form = formBody(textsOf(fields), [
    ...request.images.map((image) => inputFile(name, image, work)),
    ...(request.mask ? [inputFile('mask', request.mask, work)] : []),
    ...(request.markup ? [inputFile('markup', request.markup, work)] : []),
  ])
  return { headers: { 'content-type': form.contentType }, parted: form }
}

/** The input pictures of an edit in JSON. */
const inputFields = ({ images, mask }: ImageRequest, work: Work): Record<string, unknown> => ({
  images: images.map((image) => ({ image_url: inputDataUrl(image, work) })),
  mask: mask && { image_url: inputDataUrl(mask, work) },
})
