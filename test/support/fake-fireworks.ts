import { FakeProvider, fieldsOf, type Job, htmlPage, type Sent } from './fake-provider.ts'

const FULL = 'accounts/fireworks/models/'

/** The answer to each fault: an object, or a text for the server's own fault. */
const ERRORS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  moderation: [400, 'The prompt was refused by the content policy of the model.'],
  invalid: [422, 'The prompt is in no language that is known.'],
  limited: [429, 'Too many requests.'],
  billing: [412, 'The account is suspended: its monthly spending limit is reached.'],
  unauthorized: [401, 'The API key is invalid.'],
  error: [500, 'Internal server error'],
}
const LATER = ['job-moderation', 'job-error', 'lost-job', 'empty-job', 'gone']
const FAULTS = [...Object.keys(ERRORS), ...LATER, 'text-moderation', 'error-inside', 'malformed']

const refusal = (status: number, message: string): Response =>
  Response.json({ error: { object: 'error', type: 'invalid_request_error', message } }, { status })

/** Fireworks (protocols §6.8): a picture at once, or for a FLUX.1 Kontext a job with an id. */
export class FakeFireworks extends FakeProvider {
  readonly provider = 'fireworks'
  readonly model = 'flux-1-schnell-fp8'
  override readonly edits = false
  override get models(): string[] {
    const named = [
      `house-kontext=${FULL}flux-kontext-pro`,
      `sdxl=${FULL}stable-diffusion-xl-1024-v1-0`,
      `elsewhere=${FULL}unheard-of`,
    ]
    return [this.model, 'flux-kontext-pro', ...named]
  }

  protected async answer(_: Request, sent: Sent): Promise<Response> {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return refusal(401, 'The API key is invalid.')
    if (sent.method !== 'POST') return refusal(405, 'Method not allowed')
    switch (sent.path.replace('/inference/v1/', '').replace(FULL, '')) {
      case 'workflows/flux-1-schnell-fp8/text_to_image':
        return await this.#picture(sent, ['aspect_ratio', 'samples'])
      case 'image_generation/stable-diffusion-xl-1024-v1-0':
        return await this.#picture(sent, ['width', 'height'])
      case 'workflows/flux-kontext-pro':
        return this.#submit(sent)
      case 'workflows/flux-kontext-pro/get_result':
        return this.#look(sent)
      default:
        return refusal(404, 'Model not found, inaccessible, and/or not deployed')
    }
  }

  async #picture({ headers, body }: Sent, sizes: readonly string[]): Promise<Response> {
    const { prompt, aspect_ratio: ratio = '1:1' } = this.#fields(body, ['prompt', 'seed', ...sizes])
    const order = this.order(prompt, FAULTS)
    if (!/^\d{1,2}:\d{1,2}$/.test(String(ratio))) return refusal(400, `aspect_ratio ${String(ratio)} is not supported`)
    if (!['image/png', 'image/jpeg'].includes(headers['accept'] ?? '')) return refusal(400, 'accept is not supported')
    const failure = failureOf(order.fault)
    if (failure) return failure
    await new Promise((resolve) => setTimeout(resolve, order.delayMs))
    this.begin(order)
    return new Response(await this.picture(), { headers: { 'content-type': headers['accept'] ?? '' } })
  }

  #submit({ body }: Sent): Response {
    const { prompt, input_image: image } = this.#fields(body, ['prompt', 'input_image'])
    const order = this.order(prompt, FAULTS)
    const isDataUrl = typeof image === 'string' && /^data:image\/[a-z]+;base64,[A-Za-z0-9+/=]+$/.test(image)
    if (image !== undefined && !isDataUrl) return refusal(400, 'input_image is no picture')
    return failureOf(order.fault) ?? Response.json({ request_id: this.begin(order).id })
  }

  #look({ body }: Sent): Response {
    const { id } = this.#fields(body, ['id'])
    const job = this.jobs.get(String(id))
    if (!job || job.order.fault === 'lost-job') return Response.json({ id, status: 'Task not found', result: null })
    job.looks += 1
    if (Date.now() < job.readyMs) return Response.json({ id, status: 'Pending', result: null })
    return Response.json({ id, ...this.#ended(job) })
  }

  #ended({ order: { fault } }: Job): Record<string, unknown> {
    switch (fault) {
      case 'job-moderation':
        return { status: 'Content Moderated', result: null }
      case 'job-error':
        return { status: 'Error', result: null }
      case 'empty-job':
        return { status: 'Ready', result: null }
      default:
        return { status: 'Ready', result: { sample: this.pictureUrl(fault) } }
    }
  }

  #fields(body: unknown, known: readonly string[]): Record<string, unknown> {
    return fieldsOf(body, known, (field) => refusal(400, `Extra inputs are not permitted, field: '${field}'`))
  }
}

function failureOf(fault = ''): Response | undefined {
  const [status, message] = ERRORS[fault] ?? []
  if (status && message) return status < 500 ? refusal(status, message) : new Response(message, { status })
  if (fault === 'text-moderation') return new Response('NSFW content was found in the prompt.', { status: 422 })
  if (fault === 'error-inside') return Response.json({ error: 'The model gave up.' })
  return fault === 'malformed' ? htmlPage() : undefined
}
