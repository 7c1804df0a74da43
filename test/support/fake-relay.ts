import { FakeProvider, fieldsOf, type Job, type Sent } from './fake-provider.ts'

type Fields = Record<string, unknown>

const KNOWN = ['model', 'prompt', 'n', 'size', 'quality', 'background', 'output_format', 'output_compression']
const FORM = ['image', 'image[]', 'mask']

const FAULTS = [
  'lost-job',
  'moderation',
  'invalid-run',
  'error',
  'cancelled',
  'expired',
  'refused-at-once',
  'word',
  'empty',
  'gone',
  'wait',
  'elsewhere',
]

/** The words in which tasks fail. `wait` asks for pauses, and `elsewhere` names a status URL at another host. */
const FAILURES: Readonly<Record<string, Fields>> = {
  moderation: { status: 'failed', error: { code: 'content_policy_violation', message: 'Blocked by moderation.' } },
  'invalid-run': {
    status: 'failed',
    http_status: 400,
    error: { type: 'invalid_request_error', param: 'size', message: 'Invalid size.' },
  },
  error: { status: 'FAILURE', fail_reason: 'upstream timeout' },
  cancelled: { status: 'cancelled' },
  expired: { status: 'expired', error: 'The task expired.' },
}

const unauthorized = (): Response =>
  Response.json({ error: { message: 'Invalid token', type: 'new_api_error', code: '' } }, { status: 401 })
const notFound = (): Response =>
  Response.json(
    { error: { message: 'Task not found', type: 'not_found_error', code: 'task_not_found' } },
    { status: 404 },
  )

/** One relay's forms of a submitted task, of its state, and of its pictures. */
interface Shape {
  /** The path of a task's state. */
  path: (id: string) => string
  submitted: (id: string, path: string) => Fields
  status?: number
  headers?: (path: string) => Record<string, string>
  running: Fields
  /** The state around `running`, a failure, or pictures. */
  told: (id: string, state: Fields) => Fields
  done: (urls: string[], base64: string[]) => Fields
}

const entries = (urls: string[]): Fields[] => urls.map((url) => ({ url }))

/** The relays of protocols §6.14. */
const SHAPES = {
  apimart: {
    path: (id) => `/v1/tasks/${id}`,
    submitted: (id) => ({ code: 200, data: [{ status: 'submitted', task_id: id }] }),
    running: { status: 'processing', progress: 45 },
    told: (id, state) => ({ code: 200, data: { id, created: 1, cost: 0.006, credits_cost: 0.06, ...state } }),
    done: (urls) => ({ status: 'completed', progress: 100, result: { images: urls.map((url) => ({ url: [url] })) } }),
  },
  'new-api': {
    path: (id) => `/v1/tasks/${id}`,
    submitted: (id) => ({ data: { task_id: id, status: 'NOT_START' } }),
    running: { status: 'IN_PROGRESS', progress: '45%' },
    told: (id, state) => ({ code: 'success', message: '', data: { task_id: id, fail_reason: '', ...state } }),
    done: (_, base64) => ({
      status: 'SUCCESS',
      progress: '100%',
      data: {
        created: 1,
        data: base64.map((b64_json) => ({ b64_json, revised_prompt: 'A better cat' })),
        usage: { input_tokens: 9, output_tokens: 196, total_tokens: 205 },
      },
    }),
  },
  toapis: {
    path: (id) => `/v1/images/generations/${id}`,
    submitted: (id) => ({ id, object: 'generation.task', status: 'queued', progress: 0 }),
    running: { status: 'in_progress', progress: 45 },
    told: (id, state) => ({ id, object: 'generation.task', model: 'gpt-image-2', ...state }),
    done: (urls) => ({ status: 'completed', url: urls[0], result: { type: 'image', data: entries(urls) } }),
  },
  evolink: {
    path: (id) => `/v1/tasks/${id}`,
    submitted: (id) => ({ id, object: 'image.generation.task', status: 'pending', task_info: { can_cancel: false } }),
    running: { status: 'processing', progress: 45 },
    told: (id, state) => ({ id, object: 'image.generation.task', type: 'image', ...state }),
    done: (urls) => ({ status: 'completed', progress: 100, results: urls }),
  },
  sub2api: {
    path: (id) => `/v1/images/tasks/${id}`,
    submitted: (id, poll_url) => ({ id, task_id: id, object: 'image.generation.task', status: 'processing', poll_url }),
    status: 202,
    headers: (location) => ({ location }),
    running: { status: 'processing' },
    told: (id, state) => ({ id, task_id: id, object: 'image.generation.task', ...state }),
    done: (urls) => ({
      status: 'completed',
      http_status: 200,
      image_url: `${urls[0]}?mirror`,
      result: { created: 1, data: entries(urls) },
    }),
  },
} satisfies Record<string, Shape>

export type RelayShape = keyof typeof SHAPES
export const RELAY_SHAPES: readonly RelayShape[] = ['apimart', 'new-api', 'toapis', 'evolink', 'sub2api']

/** A relay that answers OpenAI's image routes with a task (protocols §6.14), in the form of one of them. */
export class FakeRelay extends FakeProvider {
  readonly provider = 'openai'
  readonly model = 'gpt-image-2'
  override readonly basePath = '/v1'
  override readonly answersUrls = true
  readonly #shape: Shape
  readonly #counts = new Map<string, number>()
  /** The most pictures of one task. */
  most = Infinity

  constructor(shape: RelayShape) {
    super()
    this.#shape = SHAPES[shape]
  }

  override reset(): void {
    super.reset()
    this.most = Infinity
  }

  protected async answer(_: Request, sent: Sent): Promise<Response> {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return unauthorized()
    const to = `${sent.method} ${sent.path}`
    if (to === 'POST /v1/images/generations') return this.#submit(sent.body, KNOWN)
    if (to === 'POST /v1/images/edits') return this.#submit(sent.body, [...KNOWN, ...FORM])
    const id = sent.path.split('/').at(-1) ?? ''
    const job = sent.method === 'GET' && sent.path === this.#shape.path(id) ? this.jobs.get(id) : undefined
    return job && job.order.fault !== 'lost-job' ? await this.#look(job) : notFound()
  }

  #submit(body: unknown, known: readonly string[]): Response {
    const fields = fieldsOf(body, known, (field) => {
      const error = {
        message: `Unknown parameter: '${field}'.`,
        type: 'invalid_request_error',
        param: field,
        code: null,
      }
      return Response.json({ error }, { status: 400 })
    })
    const order = this.order(fields['prompt'], FAULTS)
    const { id } = this.begin(order, `task_${crypto.randomUUID()}`)
    this.#counts.set(id, Math.min(this.most, Number(fields['n'] ?? 1)))
    const { submitted, path, status, headers } = this.#shape
    if (order.fault === 'refused-at-once') return Response.json(this.#shape.told(id, FAILURES['error'] ?? {}))
    const said = submitted(id, order.fault === 'elsewhere' ? `https://elsewhere.example.com/v1/tasks/${id}` : path(id))
    const wait = order.fault === 'wait' ? { 'retry-after': '20' } : {}
    return Response.json(said, { status: status ?? 200, headers: { ...headers?.(path(id)), ...wait } })
  }

  async #look(job: Job): Promise<Response> {
    const { id, order } = job
    job.looks += 1
    const isWaiting = Date.now() < job.readyMs || (order.fault === 'wait' && job.looks < 3)
    const word = order.fault === 'word' && job.looks < 3 ? { status: 'dreaming' } : undefined
    const state = word ?? (isWaiting ? this.#shape.running : await this.#ended(job))
    const headers: Record<string, string> = order.fault === 'wait' && isWaiting ? { 'retry-after': '20' } : {}
    return Response.json(this.#shape.told(id, state), { headers })
  }

  async #ended({ id, order: { fault } }: Job): Promise<Fields> {
    const failure = FAILURES[fault ?? '']
    if (failure) return failure
    const count = fault === 'empty' ? 0 : (this.#counts.get(id) ?? 1)
    const each = Array.from({ length: count }, () => undefined)
    return this.#shape.done(
      each.map(() => this.pictureUrl(fault)),
      await Promise.all(each.map(async () => await this.base64())),
    )
  }
}
