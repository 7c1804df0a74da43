import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FAULTS = ['moderation', 'output-moderation', 'limited', 'billing', 'unauthorized', 'malformed', 'error']
const COMMON = ['prompt', 'negative_prompt', 'aspect_ratio', 'seed', 'output_format']
const MASKED = ['image', 'mask']
const FIELDS = new Map([
  ['/v2beta/stable-image/generate/core', [...COMMON, 'style_preset']],
  ['/v2beta/stable-image/generate/ultra', [...COMMON, 'image', 'strength']],
  [
    '/v2beta/stable-image/edit/inpaint',
    [...COMMON.filter((name) => name !== 'aspect_ratio'), 'style_preset', ...MASKED],
  ],
  ['/v2beta/stable-image/generate/sd3', [...COMMON, 'model', 'mode', 'image', 'strength', 'cfg_scale']],
])
const RATIOS = ['16:9', '1:1', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21']

const missingIn = (form: Record<string, unknown>): string | undefined =>
  MASKED.find((name) => typeof form[name] !== 'object')

const failure = (status: number, name: string, message: string): Response =>
  Response.json({ id: 'a1', name, errors: [message] }, { status })

/** Stability (protocols §6.5): forms only, and the bytes of a picture come back. */
export class FakeStability extends FakeProvider {
  readonly provider = 'stability'
  readonly model = 'stable-image-core'
  override readonly edits = false

  override get models(): string[] {
    return ['stable-image-core', 'stable-image-ultra', 'sd3.5-large', 'sd3.5-large-turbo', 'stable-image-inpaint']
  }

  protected async answer(_: Request, sent: Sent): Promise<Response> {
    const known = FIELDS.get(sent.path)
    if (sent.method !== 'POST' || !known) return failure(404, 'not_found', 'Not found')
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return failure(401, 'unauthorized', 'Invalid API key')
    if (!sent.headers['content-type']?.startsWith('multipart/form-data'))
      return failure(400, 'bad_request', 'content-type: must be multipart/form-data')
    if (sent.headers['accept'] !== 'image/*') return failure(400, 'bad_request', 'accept: must be image/*')
    const refuse = (field: string): Response => failure(400, 'bad_request', `${field}: is not known`)
    const form = fieldsOf(sent.body, known, refuse)
    const faulty = known.includes('mask') ? missingIn(form) : this.#faultOf(form)
    return faulty ? refuse(faulty) : await this.#made(this.order(form['prompt'], FAULTS))
  }

  #faultOf(form: Record<string, unknown>): string | undefined {
    const { aspect_ratio: ratio = '1:1', image, strength, mode, model, output_format: format = 'png' } = form
    if (!RATIOS.includes(String(ratio))) return 'aspect_ratio'
    if (image !== undefined && (typeof image !== 'object' || strength === undefined)) return 'strength'
    if (model !== undefined && (mode === 'image-to-image') !== (image !== undefined)) return 'mode'
    if (!['png', 'jpeg', ...(model ? [] : ['webp'])].includes(String(format))) return 'output_format'
    if (model === 'sd3.5-large-turbo' && form['negative_prompt'] !== undefined) return 'negative_prompt'
    return undefined
  }

  async #made(order: Order): Promise<Response> {
    switch (order.fault) {
      case 'moderation':
        return failure(403, 'content_moderation', 'Your request was flagged by our content moderation system.')
      case 'limited':
        return failure(429, 'rate_limit_exceeded', 'You have made more than 150 requests in 10 seconds.')
      case 'billing':
        return failure(402, 'payment_required', 'You lack sufficient credits to make this request.')
      case 'unauthorized':
        return failure(401, 'unauthorized', 'Invalid API key')
      case 'malformed':
        return htmlPage()
      case 'error':
        return failure(500, 'internal_error', 'An unexpected error occurred.')
    }
    this.begin(order)
    return new Response(await this.picture(), {
      headers: {
        'content-type': 'image/png',
        'finish-reason': order.fault === 'output-moderation' ? 'CONTENT_FILTERED' : 'SUCCESS',
        seed: '7',
        'x-request-id': 'request-1',
      },
    })
  }
}
