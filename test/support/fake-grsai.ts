import { FakeProvider, fieldsOf, htmlPage, type Job, type Order, type Sent } from './fake-provider.ts'

type Generation = 'draw' | 'api'
type Fields = Record<string, unknown>

const FAULTS = [
  'moderation',
  'output-moderation',
  'limited',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'partial',
  'lost-job',
  'refused-at-once',
  'first-only',
  'empty',
]
const RATIOS = ['auto', '1:1', '16:9', '9:16', '4:3', '3:4', '3:2', '2:3', '5:4', '4:5', '21:9']
const PIXELS = /^\d+x\d+$/
const GPT = ['aspectRatio', 'variants', 'quality', 'background', 'mask']

/** Checks the fields of a request against those of its models (protocols §5.1). */
function isFit({ model, aspectRatio, imageSize, size, variants }: Fields): boolean {
  const isOneOf = (value: unknown, all: unknown[]): boolean => value === undefined || all.includes(value)
  if (String(model).includes('banana'))
    return isOneOf(aspectRatio, RATIOS) && isOneOf(imageSize, ['1K', '2K', '4K']) && variants === undefined
  if (model === 'sora-image')
    return isOneOf(size ?? aspectRatio, ['auto', '1:1', '3:2', '2:3']) && isOneOf(variants, [1, 2])
  if (!isOneOf(variants, [1, 2])) return false
  const isPixels = aspectRatio === undefined || (typeof aspectRatio === 'string' && PIXELS.test(aspectRatio))
  return isPixels || (model !== 'gpt-image-2-vip' && isOneOf(aspectRatio, RATIOS))
}

/** The old generation has fields of their own for its families, the new one the same for all (protocols §5.2). */
function takenBy(model: unknown, generation: Generation): string[] {
  if (generation === 'api' || String(model).includes('banana')) return ['aspectRatio', 'imageSize']
  return model === 'sora-image' ? ['size', 'variants'] : GPT
}

/** GrsAI (protocols §5), the old generation of its API or the new one; an error has status 200. */
export class FakeGrsai extends FakeProvider {
  readonly provider = 'grsai'
  readonly model = 'gpt-image-2'
  override readonly answersUrls = true
  override readonly basePath: string
  readonly #generation: Generation
  /** The number of pictures of each task. */
  readonly #variants = new Map<string, number>()

  constructor(generation: Generation = 'draw') {
    super()
    this.#generation = generation
    this.basePath = generation === 'api' ? '/v1/api' : ''
  }

  override get models(): string[] {
    return [this.model, 'gpt-image-2.5-flare', 'gemini-3-pro-image=nano-banana-pro', 'sora-image']
  }

  protected answer(_: Request, sent: Sent): Response {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return refusal(-1, 'apikey error')
    const { pathname, searchParams } = new URL(sent.path, this.origin)
    const to = `${sent.method} ${pathname}`
    if (this.#generation === 'api') {
      if (to === 'GET /v1/api/result') return this.#look(searchParams.get('id') ?? '')
      if (to === 'POST /v1/api/generate') return this.#submit(fieldsOf(sent.body, this.#known(sent.body), unknownField))
    } else {
      if (to === 'POST /v1/draw/result') return this.#look(String(fieldsOf(sent.body, ['id'], unknownField)['id']))
      const fields = fieldsOf(sent.body, this.#known(sent.body), unknownField)
      const route = String(fields['model']).includes('banana') ? 'nano-banana' : 'completions'
      if (to === `POST /v1/draw/${route}`) return this.#submit(fields)
    }
    return new Response('404 page not found', { status: 404 })
  }

  #known(body: unknown): string[] {
    const common = this.#generation === 'api' ? ['images', 'replyType'] : ['urls', 'webHook', 'shutProgress']
    const model = typeof body === 'object' && body !== null && 'model' in body ? body.model : undefined
    return ['model', 'prompt', ...common, ...takenBy(model, this.#generation)]
  }

  #submit(fields: Fields): Response {
    // Without these fields, the answer is a stream.
    const isLater = this.#generation === 'api' ? fields['replyType'] === 'async' : fields['webHook'] === '-1'
    if (!isLater || !isFit(fields)) return refusal(-1, 'invalid parameter')
    const order = this.order(fields['prompt'], FAULTS)
    switch (order.fault) {
      case 'limited':
        return Response.json({ code: 429, msg: 'too many requests' }, { status: 429 })
      case 'billing':
        return refusal(-1, 'insufficient credits')
      case 'unauthorized':
        return refusal(-1, 'apikey error')
      case 'malformed':
        return htmlPage()
    }
    const { id } = this.begin(order, `14-${crypto.randomUUID()}`)
    this.#variants.set(id, Number(fields['variants'] ?? 1))
    if (order.fault === 'refused-at-once') return this.#told({ id, ...refused(this.#generation, 'input_moderation') })
    return this.#told(this.#generation === 'api' ? { id, status: 'running' } : { id })
  }

  #look(id: string): Response {
    const job = this.jobs.get(id)
    if (!job || job.order.fault === 'lost-job') return refusal(-22, 'task not found')
    job.looks += 1
    if (Date.now() < job.readyMs) return this.#told({ id, status: 'running', progress: 40, results: [] })
    return this.#told({ id, progress: 100, ...this.#ended(job) })
  }

  #ended({ id, order }: Job): Fields {
    switch (order.fault) {
      case 'moderation':
        return refused(this.#generation, 'input_moderation')
      case 'output-moderation':
        return refused(this.#generation, 'output_moderation')
      case 'error':
        return { status: 'failed', failure_reason: 'error', error: 'upstream timeout' }
      case 'empty':
        return { status: 'succeeded', results: null }
      case 'first-only':
        return { status: 'succeeded', url: this.pictureUrl(), width: 1024, height: 1024 }
      default:
        return { status: 'succeeded', results: this.#results(order, this.#variants.get(id) ?? 1) }
    }
  }

  #results({ fault }: Order, variants: number): Fields[] {
    const count = fault === 'partial' ? 1 : variants
    return Array.from({ length: count }, () => ({ url: this.pictureUrl(fault), content: '' }))
  }

  #told(task: Fields): Response {
    return Response.json(this.#generation === 'api' ? task : { code: 0, msg: 'success', data: task })
  }
}

const refusal = (code: number, msg: string): Response => Response.json({ code, data: null, msg })

const unknownField = (field: string): Response => refusal(-1, `unknown field ${field}`)

const refused = (generation: Generation, failure_reason: string): Fields =>
  generation === 'api' ? { status: 'violation', error: '' } : { status: 'failed', failure_reason, error: '' }
