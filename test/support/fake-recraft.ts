import { FakeProvider, fieldsOf, htmlPage, type Sent } from './fake-provider.ts'

const FAULTS = ['moderation', 'limited', 'billing', 'unauthorized', 'malformed', 'error', 'partial', 'odd', 'empty']
const COMMON = [
  'prompt',
  'model',
  'n',
  'style',
  'substyle',
  'style_id',
  'negative_prompt',
  'response_format',
  'image_format',
]
const FIELDS = new Map([
  ['/v1/images/generations', [...COMMON, 'size', 'text_layout', 'controls']],
  ['/v1/images/imageToImage', [...COMMON, 'strength', 'image', 'image_url']],
  ['/v1/images/inpaint', [...COMMON, 'image', 'mask']],
])
const SVG = btoa('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"></svg>')
const UNITS = 35

const failure = (status: number, code: string, message: string): Response =>
  Response.json({ code, message }, { status })

const invalid = (field: string): Response => failure(400, 'invalid_parameter', `Parameter ${field} is not valid.`)

/** Recraft (protocols §6.11): JSON, but a form for an edit. */
export class FakeRecraft extends FakeProvider {
  readonly provider = 'recraft'
  readonly model = 'recraftv4_1'
  override readonly basePath = '/v1'

  override get models(): string[] {
    return ['recraftv4_1', 'recraftv4_1_pro', 'recraftv4_1_vector', 'recraftv3', 'recraftv4*']
  }

  protected async answer(_: Request, sent: Sent): Promise<Response> {
    const known = FIELDS.get(sent.path)
    if (sent.method !== 'POST' || !known) return failure(404, 'not_found', 'Not found')
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return failure(401, 'unauthorized', 'Unauthorized')
    const fields = fieldsOf(sent.body, known, invalid)
    const isEdit = !sent.path.endsWith('generations')
    const type = isEdit ? 'multipart/form-data' : 'application/json'
    if (!sent.headers['content-type']?.startsWith(type)) return failure(400, 'bad_request', `Expected ${type}`)
    const faulty = this.#faultOf(fields, isEdit, known.includes('mask'))
    return faulty ? invalid(faulty) : await this.#made(fields)
  }

  #faultOf(fields: Record<string, unknown>, isEdit: boolean, isMasked: boolean): string | undefined {
    const { model, n = 1, negative_prompt: negative, image_format: format, response_format: how } = fields
    if (!(Number(n) >= 1 && Number(n) <= 6)) return 'n'
    if (!isEdit && typeof n !== 'number') return 'n'
    if (isMasked && (typeof fields['mask'] !== 'object' || model !== 'recraftv3')) return 'mask'
    if (isEdit && !isMasked && !(Number(fields['strength']) >= 0 && Number(fields['strength']) <= 1)) return 'strength'
    if (isEdit && typeof fields['image'] !== 'object') return 'image'
    if (String(model).startsWith('recraftv4') && negative !== undefined) return 'negative_prompt'
    if (String(model).includes('_styles') !== (fields['style_id'] !== undefined)) return 'style_id'
    const formats = String(model).endsWith('_vector') ? [undefined] : [undefined, 'png', 'webp']
    if (!formats.some((each) => each === format)) return 'image_format'
    return how === 'b64_json' ? undefined : 'response_format'
  }

  async #made({ prompt, model, n = 1 }: Record<string, unknown>): Promise<Response> {
    const order = this.order(prompt, FAULTS)
    switch (order.fault) {
      case 'moderation':
        return failure(400, 'content_moderation', 'The prompt was flagged by moderation.')
      case 'limited':
        return failure(429, 'too_many_requests', 'Too many requests')
      case 'billing':
        return failure(402, 'not_enough_credits', 'Not enough credits')
      case 'unauthorized':
        return failure(401, 'unauthorized', 'Unauthorized')
      case 'malformed':
        return htmlPage()
      case 'error':
        return failure(500, 'internal', 'Internal error')
      case 'odd':
        return failure(200, 'content_moderation', 'The prompt was flagged by moderation.')
    }
    this.begin(order)
    const count = order.fault === 'empty' ? 0 : Number(n)
    const made = order.fault === 'partial' ? count - 1 : count
    const isVector = String(model).endsWith('_vector')
    const pictures = Array.from({ length: count }, async (_, at) => ({
      image_id: `picture-${at}`,
      ...(at < made ? { b64_json: isVector ? SVG : await this.base64() } : {}),
    }))
    return Response.json({ created: 1_795_000_000, credits: made * UNITS, data: await Promise.all(pictures) })
  }
}
