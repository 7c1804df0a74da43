import { setTimeout as pause } from 'node:timers/promises'
import { OpenAI } from 'openai'
import type { Gateway } from './gateway.ts'
import { type Generation, readJob } from './jobs.ts'
import { type LoadRequest, PARTIALS } from './load.ts'
import { ask } from './requests.ts'

/** The end of a request for its client. A refusal is the upstream's, or that of a job that was interrupted twice. */
export interface ClientEnd {
  pictures: number
  refusal?: 'rejected' | 'failed'
  /** The end of its job, as its client first saw it. */
  job?: Generation
}

/** The pause before a request is sent again, in ms. */
const AGAIN_MS = 300
/** The pause after a failed generation, in ms: its refusal is kept for a minute. */
const LATER_MS = 60_500

/** Sends a request until it has its end, across any number of broken connections and interrupted generations. */
export async function persist(gateway: Gateway, request: LoadRequest): Promise<ClientEnd> {
  for (;;) {
    const end = await sendOnce(gateway, request).catch(endOfError)
    const isFailed = end?.refusal === 'failed' && !end.job
    if (end && !isFailed) return end
    await pause(isFailed ? LATER_MS : AGAIN_MS)
  }
}

const sendOnce = (gateway: Gateway, request: LoadRequest): Promise<ClientEnd | undefined> => {
  switch (request.way) {
    case 'plain':
      return sendPlain(gateway, request)
    case 'stream':
      return sendStream(gateway, request)
    case 'job':
      return sendJob(gateway, request)
  }
}

const clientOf = ({ baseUrl }: Gateway, { key, headers }: LoadRequest): OpenAI =>
  new OpenAI({ apiKey: key, baseURL: baseUrl, maxRetries: 2, defaultHeaders: { connection: 'close', ...headers } })

const PICTURE = { model: 'gpt-image-2', quality: 'low', size: '1024x1024' } as const

async function sendPlain(gateway: Gateway, request: LoadRequest): Promise<ClientEnd> {
  const { data } = await clientOf(gateway, request).images.generate({ ...PICTURE, prompt: request.prompt })
  return { pictures: data?.filter(({ b64_json }) => b64_json).length ?? 0 }
}

async function sendStream(gateway: Gateway, request: LoadRequest): Promise<ClientEnd> {
  const body = { ...PICTURE, prompt: request.prompt, stream: true, partial_images: PARTIALS } as const
  const types: string[] = []
  for await (const { type } of await clientOf(gateway, request).images.generate(body)) types.push(type)
  return { pictures: types.filter((type) => type === 'image_generation.completed').length }
}

/** Has a job accepted, and follows it to its end. */
async function sendJob(gateway: Gateway, request: LoadRequest): Promise<ClientEnd | undefined> {
  const { key, headers, prompt } = request
  const response = await ask(gateway, { key, headers: { ...headers, prefer: 'respond-async' }, body: { prompt } })
  const text = await response.text()
  if (response.status !== 202) return endOfStatus(response.status, response.headers, text)
  const { id }: Generation = JSON.parse(text)
  for (;;) {
    const job = await readJob(gateway, key, id).catch(unlessLost)
    if (job && job.status !== 'queued' && job.status !== 'running') return { ...endOfJob(job), job }
    await pause(AGAIN_MS * 3)
  }
}

function endOfJob({ status, error, images }: Generation): ClientEnd {
  if (status === 'succeeded') return { pictures: images.length }
  return { pictures: 0, refusal: error?.code === 'content_rejected' ? 'rejected' : 'failed' }
}

/** Undefined for a broken connection, or a gateway that asks for patience. Rethrows any other error. */
function unlessLost(error: unknown): undefined {
  const isLost = error instanceof OpenAI.APIConnectionError || error instanceof TypeError
  const isBusy = error instanceof Error && / answered with (?:429|503):/.test(error.message)
  if (!isLost && !isBusy) throw error
}

/** The end after an error of a client; undefined where it sends its request again at once. */
function endOfError(error: unknown): ClientEnd | undefined {
  if (!(error instanceof OpenAI.APIError) || error instanceof OpenAI.APIConnectionError) return unlessLost(error)
  const { status, code, headers, message } = error
  // A stream has the status of its beginning.
  if (status === undefined) return { pictures: 0, refusal: code === 'moderation_blocked' ? 'rejected' : 'failed' }
  return endOfStatus(status, headers, message)
}

/** The end by the status of an answer; undefined where the request is sent again at once. Throws for an unexpected one. */
function endOfStatus(status: number, headers: Headers | undefined, message: string): ClientEnd | undefined {
  if (status === 400) return { pictures: 0, refusal: 'rejected' }
  if (status < 429) throw new Error(`an answer with ${status}: ${message}`)
  return headers?.get('x-should-retry') === 'false' ? { pictures: 0, refusal: 'failed' } : undefined
}
