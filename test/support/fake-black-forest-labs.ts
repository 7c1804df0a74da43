import { type Job, FakeProvider, fieldsOf, htmlPage, type Sent } from './fake-provider.ts'

const FIELDS = ['prompt', 'aspect_ratio', 'width', 'height', 'seed', 'output_format', 'prompt_upsampling', 'raw']
const MORE_FIELDS = ['safety_tolerance', 'steps', 'guidance', 'image', 'mask', 'input_image']
const INPUTS = Array.from({ length: 9 }, (_, at) => `input_image_${at + 2}`)
const FLUX_3 = ['prompt', 'images', 'aspect_ratio', 'resolution', 'search', 'safety_tolerance', 'output_format']
const FAULTS = [
  'moderation',
  'output-moderation',
  'limited',
  'billing',
  'unauthorized',
  'malformed',
  'gone',
  'error',
  'lost-job',
  'dearer',
  'free',
]
/** The charges that a ready job tells, in credits. */
const CHARGES: Readonly<Record<string, number>> = { dearer: 4.5, free: 0 }

const detail = (status: number, said: unknown): Response => Response.json({ detail: said }, { status })

const invalid = (field: string, what: string): Response =>
  detail(422, [{ loc: ['body', field], msg: `Input should be ${what}`, type: 'value_error' }])

const isLike = (pattern: RegExp, value: unknown): boolean => typeof value === 'string' && pattern.test(value)

/** The field with a value that FLUX.3 lacks. */
function flux3Fault({ prompt, images = [], aspect_ratio, resolution }: Record<string, unknown>): string | undefined {
  const ratio = /^(?:auto|21:9|2:1|16:9|3:2|7:5|4:3|5:4|1:1|4:5|3:4|5:7|2:3|9:16|1:2|9:21)$/
  if (String(prompt).length > 15_000) return 'prompt'
  if (!Array.isArray(images) || images.length > 10) return 'images'
  if (aspect_ratio !== undefined && !isLike(ratio, aspect_ratio)) return 'aspect_ratio'
  const isKnown = resolution === undefined || isLike(/^(?:768sq|1k|1\.5k|2k|4k)$/, resolution)
  return isKnown ? undefined : 'resolution'
}

/** Black Forest Labs (protocols §6.2): its polling URL names another host, of its region. */
export class FakeBlackForestLabs extends FakeProvider {
  readonly provider = 'black-forest-labs'
  readonly model = 'flux-2-pro'
  override readonly answersUrls = true

  override get models(): string[] {
    return [
      this.model,
      'flux-2-flex',
      'flux-2-klein-4b',
      'flux-3-image',
      'flux-kontext-pro',
      'flux-pro-1.1',
      'flux-pro-1.1-ultra',
      'flux-pro-1.0-fill',
      'flux-9-new',
    ]
  }

  protected answer(_: Request, sent: Sent): Response {
    if (sent.headers['x-key'] !== this.key) return detail(403, 'Not authenticated')
    const { pathname, searchParams } = new URL(sent.path, this.origin)
    if (sent.method === 'GET' && pathname === '/v1/get_result') return this.#look(searchParams.get('id') ?? '')
    const isModel = this.models.some((name) => pathname === `/v1/${name}`)
    if (sent.method !== 'POST' || !isModel) return detail(404, 'Not Found')
    return this.#submit(sent, pathname.includes('/flux-3-'))
  }

  #submit({ body }: Sent, isFlux3: boolean): Response {
    const known = isFlux3 ? FLUX_3 : [...FIELDS, ...MORE_FIELDS, ...INPUTS]
    const extra = (field: string): Response =>
      detail(422, [{ loc: ['body', field], msg: 'Extra inputs are not permitted', type: 'extra_forbidden' }])
    const fields = fieldsOf(body, known, extra)
    const { prompt, safety_tolerance: tolerance } = fields
    const most = isFlux3 ? 4 : 5
    if (typeof tolerance === 'number' && tolerance > most) return invalid('safety_tolerance', `at most ${most}`)
    const faulty = isFlux3 ? flux3Fault(fields) : undefined
    if (faulty) return invalid(faulty, 'one of the documented values')
    const order = this.order(prompt, FAULTS)
    switch (order.fault) {
      case 'limited':
        return detail(429, 'Too many active tasks')
      case 'billing':
        return detail(402, 'Insufficient credits')
      case 'unauthorized':
        return detail(403, 'Not authenticated')
      case 'malformed':
        return htmlPage()
    }
    const { id } = this.begin(order)
    return Response.json({ id, polling_url: `${this.origin}/v1/get_result?id=${id}`, cost: 3 })
  }

  #look(id: string): Response {
    const job = this.jobs.get(id)
    if (!job || job.order.fault === 'lost-job') return this.#state(id, 'Task not found')
    job.looks += 1
    if (Date.now() < job.readyMs) return this.#state(id, 'Pending', { progress: 0.4 })
    return this.#ended(job)
  }

  #ended({ id, order }: Job): Response {
    switch (order.fault) {
      case 'moderation':
        return this.#state(id, 'Request Moderated', { details: { 'Moderation Reasons': ['Derivative Works Filter'] } })
      case 'output-moderation':
        return this.#state(id, 'Content Moderated')
      case 'error':
        return this.#state(id, 'Error')
      default:
        return this.#state(id, 'Ready', {
          result: { sample: this.pictureUrl(order.fault), seed: 7, prompt: order.prompt, duration: 3.1 },
          cost: CHARGES[order.fault ?? ''],
        })
    }
  }

  #state(id: string, status: string, more: Record<string, unknown> = {}): Response {
    return Response.json({ id, status, result: null, progress: null, details: null, ...more })
  }
}
