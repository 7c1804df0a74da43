import { type Job, FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const COMMON = ['prompt', 'seed', 'output_format']
const CHECKED = ['enable_safety_checker']
const TOLERANT = ['safety_tolerance']
const OPEN = ['image_size', 'num_images', 'num_inference_steps', 'guidance_scale', ...CHECKED]

/** The fields of each endpoint besides prompt, seed and format; a mark stands for a required one. */
const ENDPOINTS: Readonly<Record<string, readonly string[]>> = {
  'fal-ai/flux/dev': OPEN,
  'fal-ai/flux/dev/image-to-image': ['image_url!', 'strength', ...OPEN.slice(1)],
  'blackforestlabs/flux-3/text-to-image': ['aspect_ratio', 'resolution'],
  'blackforestlabs/flux-3/edit-image': ['image_urls!', 'aspect_ratio', 'resolution'],
  'fal-ai/flux-2-pro': ['image_size', ...CHECKED],
  'fal-ai/flux-2-pro/edit': ['image_urls!', 'image_size', ...CHECKED],
  'fal-ai/flux-pro/kontext': ['image_url!', 'aspect_ratio', 'num_images', 'guidance_scale', ...TOLERANT],
  'fal-ai/flux-pro/kontext/multi': ['image_urls!', 'aspect_ratio', 'num_images', 'guidance_scale', ...TOLERANT],
  'fal-ai/flux-pro/kontext/text-to-image': ['aspect_ratio', 'num_images', 'guidance_scale', ...TOLERANT],
  'fal-ai/flux-pro/v1/fill': ['image_url!', 'mask_url!', 'num_images', ...TOLERANT],
  'acme/painter': ['image_size', 'image_url', 'mask_url', ...CHECKED],
  'acme/painter/edit': ['image_urls!', 'image_size', ...CHECKED],
}

const FAULTS = [
  'moderation',
  'output-moderation',
  'partial',
  'limited',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'lost-job',
  'invalid-run',
  'forbidden-run',
  'nothing-made',
  'unsteady',
  'no-picture',
]

const detail = (status: number, said: unknown): Response =>
  Response.json({ detail: said }, { status, headers: { 'x-fal-request-id': 'fal-request' } })

const fault = (field: string, msg: string, type: string): Response =>
  detail(422, [{ loc: ['body', field], msg, type, input: {} }])

interface Fields {
  prompt: string
  count: number
}

/**
 * fal's queue (protocols §6.4). The URL of a job has its owner and app only, and a failed job looks completed. Or
 * `fal.run`, where the answer is the result of the job.
 */
export class FakeFal extends FakeProvider {
  readonly provider = 'fal'
  readonly model = 'fal-ai/flux-2-pro'
  override readonly answersUrls = true
  /** The origin in its answers, behind a proxy. */
  maker: string | undefined
  readonly #fields = new Map<string, Fields>()
  readonly #place: 'queue' | 'run'

  constructor(place: 'queue' | 'run' = 'queue') {
    super()
    this.#place = place
  }

  override get models(): string[] {
    const ours = Object.keys(ENDPOINTS).filter(
      (name) => !/\/multi$|kontext\/text-to-image$|pro\/edit$|edit-image$/.test(name),
    )
    return [...ours, 'house-flux=fal-ai/flux/dev', 'acme/*']
  }

  protected answer(_: Request, sent: Sent): Response {
    if (sent.headers['authorization'] !== `Key ${this.key}`) return detail(401, 'Cannot access application')
    const [, endpoint = '', id, end] = /^\/(.+?)(?:\/requests\/([^/]+)(\/status|\/cancel)?)?$/.exec(sent.path) ?? []
    if (sent.method === 'PUT' && id && end === '/cancel') return this.#cancel(this.jobs.get(id))
    if (sent.method === 'GET' && id && end !== '/cancel') return this.#look(this.jobs.get(id), end !== undefined)
    const known = ENDPOINTS[endpoint]
    if (sent.method !== 'POST' || id || !known) return detail(404, `Application '${endpoint}' not found`)
    return this.#submit(sent, endpoint, known)
  }

  #submit({ body, headers }: Sent, endpoint: string, known: readonly string[]): Response {
    if (headers['content-type'] !== 'application/json') return detail(415, 'Unsupported media type')
    const stray = (field: string): Response => fault(field, 'Extra inputs are not permitted', 'extra_forbidden')
    const fields = fieldsOf(body, [...COMMON, ...known.map((name) => name.replace('!', ''))], stray)
    const missing = known.find((name) => name.endsWith('!') && !(name.slice(0, -1) in fields))
    if (missing) return fault(missing.slice(0, -1), 'Field required', 'missing')
    const order = this.order(fields['prompt'], FAULTS)
    const refusal = refusalOf(order)
    if (refusal) return refusal
    const job = this.begin(order)
    const { id } = job
    this.#fields.set(id, { prompt: order.prompt, count: Number(fields['num_images'] ?? 1) })
    if (this.#place === 'run') return this.#result(job)
    const url = `${this.maker ?? this.origin}/${endpoint.split('/').slice(0, 2).join('/')}/requests/${id}`
    const urls = { response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` }
    return Response.json({ status: 'IN_QUEUE', request_id: id, ...urls, queue_position: 0 })
  }

  #cancel(job: Job | undefined): Response {
    if (!job) return detail(404, 'Request not found')
    this.stopped.push(job.id)
    return Response.json({ status: 'CANCELLATION_REQUESTED' }, { status: 202 })
  }

  #look(job: Job | undefined, isStatus: boolean): Response {
    if (!job || job.order.fault === 'lost-job') return detail(404, 'Request not found')
    if (!isStatus) return this.#result(job)
    job.looks += 1
    if (Date.now() >= job.readyMs) {
      return Response.json({ status: 'COMPLETED', logs: null, metrics: { inference_time: 1.2 } })
    }
    if (job.looks === 1) return Response.json({ status: 'IN_QUEUE', queue_position: 3 }, { status: 202 })
    return Response.json({ status: 'IN_PROGRESS', logs: [{ message: 'Working' }] }, { status: 202 })
  }

  #result(job: Job): Response {
    switch (job.order.fault) {
      case 'moderation':
        return fault('prompt', 'The content was flagged by a content checker.', 'content_policy_violation')
      case 'invalid-run':
        return fault('image_size', 'The picture would be too large.', 'image_too_large')
      case 'forbidden-run':
        return detail(403, 'The weights of the model are not accessible.')
      case 'nothing-made':
        return fault('prompt', 'No media was generated.', 'no_media_generated')
      case 'error':
        return detail(500, 'Internal Server Error')
      case 'unsteady':
        job.looks += 100
        return job.looks < 300 ? htmlPage(502) : this.#pictures(job)
      default:
        return this.#pictures(job)
    }
  }

  #pictures({ id, order: { fault: spoilt } }: Job): Response {
    const { prompt, count } = this.#fields.get(id) ?? { prompt: '', count: 1 }
    const images = Array.from({ length: spoilt === 'no-picture' ? 0 : count }, () => ({
      url: this.pictureUrl(spoilt),
      width: 1024,
      height: 768,
      content_type: 'image/png',
    }))
    const has_nsfw_concepts = images.map(
      (_, at) => spoilt === 'output-moderation' || (spoilt === 'partial' && at === 0),
    )
    return Response.json({ images, seed: 7, has_nsfw_concepts, prompt, timings: { inference: 1.2 } })
  }
}

/** The reason why no job begins. */
function refusalOf({ fault: spoilt }: Order): Response | undefined {
  switch (spoilt) {
    case 'limited':
      return detail(429, 'Too many requests')
    case 'billing':
      return detail(403, 'User is locked. Reason: Exhausted balance.')
    case 'unauthorized':
      return detail(401, 'Cannot access application')
    case 'malformed':
      return htmlPage()
    default:
      return undefined
  }
}
