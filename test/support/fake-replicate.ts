import { type Job, FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const SHAPED = ['aspect_ratio', 'output_format', 'seed']
const OPEN = [...SHAPED, 'num_outputs', 'num_inference_steps', 'guidance', 'disable_safety_checker']

/** The fields of each model besides a prompt. */
const INPUTS: Readonly<Record<string, readonly string[]>> = {
  'black-forest-labs/flux-2-pro': [...SHAPED, 'width', 'height', 'input_images', 'safety_tolerance'],
  'black-forest-labs/flux-3-image': ['images', 'aspect_ratio', 'resolution', 'output_format', 'safety_tolerance'],
  'black-forest-labs/flux-dev': OPEN,
  'black-forest-labs/flux-kontext-pro': [...SHAPED, 'input_image'],
  'black-forest-labs/flux-fill-pro': ['image', 'mask', 'output_format', 'seed', 'safety_tolerance'],
  'acme/painter': SHAPED,
}
const VERSION = '5c7d5dc6dd8bf75c'

const FAULTS = [
  'moderation',
  'sensitive',
  'partial',
  'limited',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'aborted',
  'removed',
  'lost-job',
]

const problem = (status: number, title: string, detail: string): Response =>
  Response.json({ title, detail, status }, { status, headers: { 'content-type': 'application/problem+json' } })

/** Replicate (protocols §6.3): a prediction repeats its input, and a failed one names its reason in a sentence only. */
export class FakeReplicate extends FakeProvider {
  readonly provider = 'replicate'
  readonly model = 'black-forest-labs/flux-2-pro'
  override readonly answersUrls = true
  /** The origin in its answers, behind a proxy. */
  maker: string | undefined
  readonly #inputs = new Map<string, Record<string, unknown>>()

  override get models(): string[] {
    return [
      ...Object.keys(INPUTS),
      `acme/painter:${VERSION}`,
      'acme/painter:0ld',
      'house-flux=deployments/acme/flux',
      'acme/*',
    ]
  }

  protected answer(_: Request, sent: Sent): Response {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return unauthenticated()
    const [, id, end] = /^\/v1\/predictions\/([^/]+)(\/cancel)?$/.exec(sent.path) ?? []
    if (sent.method === 'GET' && id && !end) return this.#look(this.jobs.get(id))
    if (sent.method === 'POST' && id && end) return this.#cancel(this.jobs.get(id))
    if (sent.method !== 'POST') return problem(404, 'Not found', 'The requested resource could not be found.')
    return this.#submit(sent)
  }

  #submit({ path, body, headers }: Sent): Response {
    if (headers['content-type'] !== 'application/json') return problem(415, 'Unsupported Media Type', 'Send JSON.')
    const isByVersion = path === '/v1/predictions'
    const stray = (field: string): Response => problem(422, 'Invalid input', `- ${field}: Additional property`)
    const { version, input } = fieldsOf(body, isByVersion ? ['version', 'input'] : ['input'], stray)
    if (isByVersion && version !== VERSION) {
      return problem(422, 'Invalid version or not permitted', 'The specified version does not exist.')
    }
    const known = isByVersion ? SHAPED : inputsOf(path)
    if (!known) return problem(404, 'Not found', 'The requested resource could not be found.')
    const strayInput = (field: string): Response =>
      problem(422, 'Input validation failed', `- input.${field}: Additional property ${field} is not allowed\n`)
    const fields = fieldsOf(input, ['prompt', ...known], strayInput)
    const order = this.order(fields['prompt'], FAULTS)
    const refusal = refusalOf(order)
    if (refusal) return refusal
    const job = this.begin(order)
    this.#inputs.set(job.id, fields)
    return this.#told(job, 'starting', 201)
  }

  #cancel(job: Job | undefined): Response {
    if (!job) return problem(404, 'Not found', 'Prediction not found.')
    this.stopped.push(job.id)
    return this.#told(job, 'canceled', 200)
  }

  #look(job: Job | undefined): Response {
    if (!job || job.order.fault === 'lost-job') return problem(404, 'Not found', 'Prediction not found.')
    job.looks += 1
    if (Date.now() < job.readyMs) return this.#told(job, 'processing', 200, { logs: LOGS })
    switch (job.order.fault) {
      case 'moderation':
        return this.#told(job, 'failed', 200, { error: 'NSFW content detected. Try a different prompt.' })
      case 'sensitive':
        return this.#told(job, 'failed', 200, { error: 'The input or output was flagged as sensitive. (E005)' })
      case 'error':
        return this.#told(job, 'failed', 200, { error: 'CUDA out of memory' })
      case 'aborted':
        return this.#told(job, 'aborted', 200)
      case 'removed':
        return this.#told(job, 'succeeded', 200, { data_removed: true })
      default:
        return this.#told(job, 'succeeded', 200, { output: this.#output(job) })
    }
  }

  /** A model of several pictures has a list, even of one. */
  #output({ id, order: { fault } }: Job): string | string[] {
    const { num_outputs: count } = this.#inputs.get(id) ?? {}
    if (count === undefined) return this.pictureUrl(fault)
    const made = fault === 'partial' ? Number(count) - 1 : Number(count)
    return Array.from({ length: made }, () => this.pictureUrl(fault))
  }

  #told({ id }: Job, state: string, status: number, more: Record<string, unknown> = {}): Response {
    const url = `${this.maker ?? this.origin}/v1/predictions/${id}`
    const input = this.#inputs.get(id)
    const rest = { output: null, error: null, logs: '', metrics: {}, data_removed: false, ...more }
    return Response.json(
      { id, version: 'hidden', input, status: state, ...rest, urls: { get: url, cancel: `${url}/cancel` } },
      { status },
    )
  }
}

const LOGS = 'Using seed: 7\n  0%|          | 0/28\n 50%|█████     | 14/28'

const unauthenticated = (): Response => problem(401, 'Unauthenticated', 'You did not pass a valid authentication token')

function inputsOf(path: string): readonly string[] | undefined {
  if (path === '/v1/deployments/acme/flux/predictions') return SHAPED
  const [, name = ''] = /^\/v1\/models\/(.+)\/predictions$/.exec(path) ?? []
  return INPUTS[name]
}

/** The reason why no prediction begins. */
function refusalOf({ fault }: Order): Response | undefined {
  switch (fault) {
    case 'limited':
      return Response.json({ detail: 'Request was throttled. Your rate limit resets in ~30s.' }, { status: 429 })
    case 'billing':
      return problem(402, 'Insufficient credit', 'You have insufficient credit to run this model.')
    case 'unauthorized':
      return unauthenticated()
    case 'malformed':
      return htmlPage()
    default:
      return undefined
  }
}
