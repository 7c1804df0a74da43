import { FakeProvider, fieldsOf, htmlPage, type Job, type Sent } from './fake-provider.ts'

const FAULTS = [
  'moderation',
  'late-moderation',
  'limited',
  'invalid',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'partial',
  'full-later',
  'not-yet',
  'uncut',
  'lost-job',
  'empty',
]

/** A picture that is being cut out of a grid. */
interface Upscale {
  grid: Job
  index: number
}

/** Midjourney-proxy (protocols §6.12): a refusal has status 200, and a grid has four pictures to cut out. */
export class FakeMidjourneyProxy extends FakeProvider {
  readonly provider = 'midjourney-proxy'
  readonly model = 'midjourney'
  override readonly answersUrls = true
  /** A grid, and the picture cut out of it. */
  override readonly submitsEach = 2
  readonly upscales = new Map<string, Upscale>()
  #tasks = 0
  /** The number of changes that were refused, since the grid was not noted as ready. */
  #early = 0

  override reset(): void {
    super.reset()
    this.upscales.clear()
    this.#early = 0
  }

  protected answer(_: Request, sent: Sent): Response {
    if (sent.headers['mj-api-secret'] !== this.key) return new Response(null, { status: 401 })
    const [, id] = /^\/mj\/task\/([^/]+)\/fetch$/.exec(sent.path) ?? []
    if (sent.method === 'GET' && id) return this.#look(id)
    if (sent.method === 'POST' && sent.path === '/mj/submit/imagine') return this.#imagine(sent)
    if (sent.method === 'POST' && sent.path === '/mj/submit/change') return this.#change(sent)
    return new Response(null, { status: 404 })
  }

  #imagine({ body }: Sent): Response {
    const { prompt } = fieldsOf(body, ['prompt', 'base64Array', 'notifyHook', 'state'], unknownField)
    const order = this.order(prompt, FAULTS)
    switch (order.fault) {
      case 'moderation':
        return submitted(24, 'May contain sensitive words', undefined, { promptEn: 'A cat', bannedWord: 'cat' })
      case 'limited':
        return submitted(23, 'The queue is full, try again later')
      case 'invalid':
        return submitted(4, 'prompt must not be empty')
      case 'billing':
        return Response.json({ description: 'quota_not_enough', type: 'upstream_error', code: 4 }, { status: 400 })
      case 'unauthorized':
        return new Response(null, { status: 401 })
      case 'malformed':
        return htmlPage()
    }
    return submitted(1, 'Submitted', this.begin(order, this.#id()).id)
  }

  #change({ body }: Sent): Response {
    const { taskId, action, index } = fieldsOf(body, ['taskId', 'action', 'index', 'notifyHook', 'state'], unknownField)
    const grid = this.jobs.get(String(taskId))
    const isReady = grid !== undefined && Date.now() >= grid.readyMs
    if (!isReady) return submitted(3, 'The related task does not exist or has failed')
    if (action !== 'UPSCALE' || typeof index !== 'number' || ![1, 2, 3, 4].includes(index))
      return submitted(4, 'action is wrong')
    const [known] = [...this.upscales].find(([, other]) => other.grid === grid && other.index === index) ?? []
    if (known) return submitted(21, 'The task exists already', known)
    if (grid.order.fault === 'not-yet' && this.#early++ < 3) return submitted(4, '关联任务状态错误')
    if (grid.order.fault === 'full-later' && index > 1) return submitted(23, 'The queue is full, try again later')
    const id = this.#id()
    this.submits += 1
    this.upscales.set(id, { grid, index })
    return submitted(22, 'In line, 1 task before it', id, { numberOfQueues: 1 })
  }

  #look(id: string): Response {
    const upscale = this.upscales.get(id)
    const job = upscale?.grid ?? this.jobs.get(id)
    if (!job || job.order.fault === 'lost-job') return Response.json(null)
    const { fault } = job.order
    if (Date.now() < job.readyMs) return task(id, 'IN_PROGRESS', { progress: '40%' })
    if (!upscale) return this.#grid(id, fault)
    if (fault === 'uncut' || (fault === 'partial' && upscale.index > 1))
      return task(id, 'FAILURE', { failReason: 'timed out' })
    if (fault === 'empty') return task(id, 'SUCCESS', { progress: '100%' })
    return task(id, 'SUCCESS', { progress: '100%', imageUrl: this.pictureUrl(fault) })
  }

  #grid(id: string, fault: string | undefined): Response {
    if (fault === 'error') return task(id, 'FAILURE', { failReason: 'timed out' })
    if (fault === 'late-moderation') return task(id, 'FAILURE', { failReason: '[Banned prompt detected] cat' })
    return task(id, 'SUCCESS', { progress: '100%', imageUrl: `${this.origin}/grids/${id}.png` })
  }

  #id(): string {
    return String(1_700_000_000_000 + ++this.#tasks)
  }
}

const unknownField = (field: string): Response => submitted(4, `unknown field ${field}`)

const submitted = (code: number, description: string, result?: string, properties = {}): Response =>
  Response.json({ code, description, result: result ?? null, properties })

const task = (id: string, status: string, more: Record<string, unknown>): Response =>
  Response.json({
    id,
    action: 'IMAGINE',
    status,
    prompt: '',
    finishTime: null,
    progress: '0%',
    imageUrl: null,
    ...more,
  })
