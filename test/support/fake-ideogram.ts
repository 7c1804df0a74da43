import { FakeProvider, fieldsOf, htmlPage, type Sent } from './fake-provider.ts'

const FAULTS = ['moderation', 'limited', 'billing', 'unauthorized', 'malformed', 'gone', 'error', 'partial', 'empty']
/** Every picture is refused once it is made. */
const UNSAFE = 'output-moderation'
const V3 = [
  'prompt',
  'aspect_ratio',
  'resolution',
  'rendering_speed',
  'style_type',
  'negative_prompt',
  'num_images',
  'seed',
]
const FIELDS = new Map([
  ['/v1/ideogram-v3/generate', [...V3, 'magic_prompt']],
  ['/v1/ideogram-v4/generate', ['text_prompt', 'json_prompt', 'resolution', 'rendering_speed']],
])
const VALUES: Record<string, RegExp> = {
  rendering_speed: /^(?:TURBO|DEFAULT|QUALITY)$/,
  aspect_ratio: /^\d+x\d+$/,
  resolution: /^\d+x\d+$/,
  style_type: /^(?:AUTO|GENERAL|REALISTIC|DESIGN|FICTION)$/,
  num_images: /^[1-8]$/,
}

const failure = (status: number, error: string): Response => Response.json({ error }, { status })

const invalid = (field: string): Response =>
  Response.json({ detail: [{ loc: ['body', field], msg: 'Input is not valid', type: 'value_error' }] }, { status: 422 })

/** Ideogram (protocols §6.10): a picture refused by its safety system has no URL, in an answer with status 200. */
export class FakeIdeogram extends FakeProvider {
  readonly provider = 'ideogram'
  readonly model = 'ideogram-v3'
  override readonly answersUrls = true
  override readonly edits = false

  override get models(): string[] {
    return ['ideogram-v3', 'ideogram-v4']
  }

  protected answer(_: Request, sent: Sent): Response {
    const known = FIELDS.get(sent.path)
    if (sent.method !== 'POST' || !known) return failure(404, 'Not found')
    if (sent.headers['api-key'] !== this.key) return failure(401, 'Not authorized')
    if (!sent.headers['content-type']?.startsWith('multipart/form-data')) return failure(400, 'Expected a form')
    const form = fieldsOf(sent.body, known, invalid)
    const faulty = Object.entries(VALUES).find(([name, rule]) => name in form && !rule.test(String(form[name])))
    if (faulty) return invalid(faulty[0])
    return this.#made(form)
  }

  #made(form: Record<string, unknown>): Response {
    const order = this.order(form['prompt'] ?? form['text_prompt'], [...FAULTS, UNSAFE])
    switch (order.fault) {
      case 'moderation':
        return failure(422, 'Prompt provided failed safety check due to the inclusion of prohibited content.')
      case 'limited':
        return failure(429, 'Too many requests')
      case 'billing':
        return failure(402, 'Insufficient credits')
      case 'unauthorized':
        return failure(401, 'Not authorized')
      case 'malformed':
        return htmlPage()
      case 'error':
        return failure(500, 'Internal error')
    }
    this.begin(order)
    const count = order.fault === 'empty' ? 0 : Number(form['num_images'] ?? 1)
    const isUnsafe = (at: number): boolean => order.fault === UNSAFE || (order.fault === 'partial' && at === 1)
    const data = Array.from({ length: count }, (_, at) => ({
      url: isUnsafe(at) ? '' : this.pictureUrl(order.fault),
      prompt: `${order.prompt}, in oil`,
      resolution: form['resolution'] ?? '1024x1024',
      seed: 7,
      is_image_safe: !isUnsafe(at),
      style_type: 'GENERAL',
    }))
    return Response.json({ request_id: 'request-1', created: '2026-11-20T10:00:00Z', data })
  }
}
