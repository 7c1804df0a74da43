import { type Job, FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FAULTS = [
  'moderation',
  'limited',
  'too-many',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'partial',
  'empty',
  'failed',
  'late-moderation',
  'output-moderation',
  'lost-job',
  'at-once',
  'empty-list-first',
  'empty-url-first',
]

const COMMON = ['prompt', 'magic_prompt', 'seed', 'num_images', 'async', 'webhook_url']
const SIZED = [...COMMON, 'size', 'quality', 'images', 'mask']
const V3 = ['prompt', 'aspect_ratio', 'resolution', 'rendering_speed', 'style_type', 'negative_prompt']
const FIELDS = new Map([
  ['/v2/image/generate/ideogram-4-6', SIZED],
  ['/v2/image/generate/ideogram-4-5', SIZED],
  ['/v2/image/generate/ideogram-4', [...COMMON, 'resolution', 'rendering_speed']],
  ['/v2/image/generate/ideogram-3', [...COMMON, ...V3]],
  ['/v2/image/generate/p-image-ideogram', [...COMMON, 'aspect_ratio', 'resolution', 'quality']],
  ['/v1/ideogram-v3/generate', [...V3, 'magic_prompt', 'num_images', 'seed']],
  ['/v1/ideogram-v4/generate', ['text_prompt', 'json_prompt', 'resolution', 'rendering_speed']],
])
const VALUES: Record<string, RegExp> = {
  aspect_ratio: /^\d+x\d+$/,
  resolution: /^(?:\d+x\d+|[12]k)$/,
  size: /^(?:auto|source|\d+x\d+)$/,
  quality: /^(?:very_low|low|medium|high)$/,
  rendering_speed: /^(?:turbo|default|quality)$/i,
  style_type: /^(?:auto|general|realistic|design|fiction)$/i,
  num_images: /^[1-8]$/,
  async: /^true$/,
}

const failure = (status: number, error: string, reason?: string): Response =>
  Response.json({ error, ...(reason ? { reject_reason: reason } : {}) }, { status })

const invalid = (field: string): Response =>
  Response.json({ detail: [{ loc: ['body', field], msg: 'Input is not valid', type: 'value_error' }] }, { status: 422 })

/** Ideogram (protocols §6.10): a picture refused by its safety system has no URL, in an answer with status 200. */
export class FakeIdeogram extends FakeProvider {
  readonly provider = 'ideogram'
  readonly model = 'ideogram-4-6'
  override readonly answersUrls = true
  readonly #forms = new Map<string, Record<string, unknown>>()

  override get models(): string[] {
    const names = [...FIELDS.keys()].map((path) => path.replace(/^.*generate\/|^\/v1\/|\/generate$/g, ''))
    return [...names, 'ideogram-9']
  }

  protected answer(_: Request, { method, path, headers, body }: Sent): Response {
    const [, id] = /^\/v2\/generations\/([^/?]+)$/.exec(path) ?? []
    const known = FIELDS.get(path)
    if (method === 'GET' ? !id : method !== 'POST' || !known) return failure(404, 'Not found')
    if (headers['api-key'] !== this.key) return failure(401, 'Not authorized')
    if (id) return this.#look(this.jobs.get(id))
    const isForm = headers['content-type']?.startsWith('multipart/form-data') === true
    const form = fieldsOf(body, known ?? [], invalid)
    if (isForm !== (path.startsWith('/v1/') || 'images' in form)) return failure(400, 'Wrong content type')
    const isWrong = (name: string, rule: RegExp): boolean =>
      (name in form && !rule.test(String(form[name]))) || (path.startsWith('/v1/') && isInV2Words(form[name]))
    const faulty = Object.entries(VALUES).find(([name, rule]) => isWrong(name, rule))
    return faulty ? invalid(faulty[0]) : this.#begin(form)
  }

  #begin(form: Record<string, unknown>): Response {
    const order = this.order(form['prompt'] ?? form['text_prompt'], FAULTS)
    const refusal = refusalOf(order)
    if (refusal) return refusal
    const job = this.begin(order)
    this.#forms.set(job.id, form)
    if (String(form['async']) !== 'true') return this.#atOnce(job, { request_id: 'request-1' })
    if (order.fault === 'at-once') return this.#atOnce(job, { generation_id: job.id, generation_kind: 'sampling' })
    const data = { 'empty-list-first': [], 'empty-url-first': [{ url: null }] }[order.fault ?? '']
    return Response.json({ generation_id: job.id, generation_kind: 'sampling', seed: 7, status: 'pending', data })
  }

  #atOnce(job: Job, more: Record<string, unknown>): Response {
    return Response.json({ ...more, created: '2026-11-20T10:00:00Z', data: this.#pictures(job) })
  }

  #look(job: Job | undefined): Response {
    if (!job || job.order.fault === 'lost-job') return failure(404, 'Not found')
    job.looks += 1
    const head = { generation_id: job.id, created: '2026-11-20T10:00:00Z' }
    if (Date.now() < job.readyMs) return Response.json({ ...head, status: 'pending' })
    const reason = { failed: 'generation_error', 'late-moderation': 'content_policy_violation' }[job.order.fault ?? '']
    if (reason) return Response.json({ ...head, status: 'failed', failure_reason: reason })
    const done = { ...head, status: 'completed', response_type: 'url', data: this.#pictures(job) }
    return Response.json({ ...done, usage_cost_usd_micros: 60_000 })
  }

  #pictures({ id, order }: Job): object[] {
    const form = this.#forms.get(id) ?? {}
    const count = order.fault === 'empty' ? 0 : Number(form['num_images'] ?? 1)
    const isUnsafe = (at: number): boolean =>
      order.fault === 'output-moderation' || (order.fault === 'partial' && at === 1)
    return Array.from({ length: count }, (_, at) => ({
      url: isUnsafe(at) ? '' : this.pictureUrl(order.fault),
      prompt: `${order.prompt}, in oil`,
      resolution: form['size'] ?? form['resolution'] ?? '1024x1024',
      seed: 7,
      is_image_safe: !isUnsafe(at),
    }))
  }
}

/** Version 1 has capitals, and version 2 has none. */
const isInV2Words = (value: unknown): boolean => typeof value === 'string' && /^[a-z]{3,}$/.test(value)

/** The reason why no generation begins. */
function refusalOf({ fault }: Order): Response | undefined {
  switch (fault) {
    case 'moderation':
      return failure(422, 'Prompt provided failed safety check due to the inclusion of prohibited content.')
    case 'limited':
      return failure(429, 'Too many requests')
    case 'too-many':
      return failure(402, 'Too many generations in progress', 'inflight_limit')
    case 'billing':
      return failure(402, 'Insufficient credits', 'insufficient_funds')
    case 'unauthorized':
      return failure(401, 'Not authorized')
    case 'malformed':
      return htmlPage()
    case 'error':
      return failure(500, 'Internal error')
    default:
      return undefined
  }
}
