import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FIELDS = ['model', 'prompt', 'n', 'width', 'height', 'steps', 'guidance_scale', 'seed', 'negative_prompt']
const MORE_FIELDS = ['image_url', 'reference_images', 'image_loras', 'output_format', 'response_format']
const FAULTS = [
  'moderation',
  'limited',
  'billing',
  'unauthorized',
  'no-model',
  'malformed',
  'error',
  'error-inside',
  'partial',
]

const refusal = (status: number, code: string | null, message: string, param: string | null = null): Response =>
  Response.json({ error: { message, type: 'invalid_request_error', param, code } }, { status })

/** Together (protocols §6.7). */
export class FakeTogether extends FakeProvider {
  readonly provider = 'together'
  readonly model = 'black-forest-labs/FLUX.2-flex'
  readonly kontext = 'black-forest-labs/FLUX.1-kontext-pro'
  override readonly basePath = '/v1'

  override get models(): string[] {
    return [this.model, this.kontext]
  }

  protected async answer(_: Request, { method, path, headers, body }: Sent): Promise<Response> {
    if (headers['authorization'] !== `Bearer ${this.key}`) return refusal(401, 'invalid_api_key', 'Invalid API key.')
    if (method !== 'POST' || path !== '/v1/images/generations') return refusal(404, null, 'Not found.')
    const stray = (field: string): Response => refusal(400, 'unknown_parameter', `Unknown parameter: ${field}`, field)
    const fields = fieldsOf(body, [...FIELDS, ...MORE_FIELDS, 'disable_safety_checker'], stray)
    const order = this.order(fields['prompt'], FAULTS)
    if (!this.models.includes(String(fields['model'])) || order.fault === 'no-model')
      return refusal(404, 'model_not_available', 'Unable to access model. Please visit the list of models.')
    if (!['base64', 'url', undefined].some((format) => format === fields['response_format']))
      return refusal(400, null, 'Expected base64 or url.', 'response_format')
    const taken = fields['model'] === this.kontext ? 'reference_images' : 'image_url'
    if (fields[taken] !== undefined) return refusal(400, null, `This model takes no ${taken}.`, taken)
    return this.#refused(order) ?? (await this.#made(order, fields))
  }

  #refused({ fault }: Order): Response | undefined {
    switch (fault) {
      case 'moderation':
        return refusal(422, null, 'The prompt was flagged as NSFW.')
      case 'limited':
        return refusal(429, 'rate_limit', 'You have reached your rate limit. Please try again in 2s.')
      case 'billing':
        return refusal(402, 'credit_limit', 'Credit limit exceeded.')
      case 'unauthorized':
        return refusal(401, 'invalid_api_key', 'Invalid API key.')
      case 'malformed':
        return htmlPage()
      case 'error':
        return refusal(503, null, 'The engine is currently overloaded.')
      case 'error-inside':
        return refusal(200, null, 'The engine is currently overloaded.')
      default:
        return undefined
    }
  }

  async #made({ fault }: Order, fields: Record<string, unknown>): Promise<Response> {
    this.submits += 1
    const { model, n = 1, response_format: format } = fields
    const count = Number(n) - (fault === 'partial' ? 1 : 0)
    const data = await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        format === 'base64'
          ? { index, type: 'b64_json', b64_json: await this.base64() }
          : { index, type: 'url', url: this.pictureUrl(fault) },
      ),
    )
    return Response.json({ id: 'img-1', model, object: 'list', data })
  }
}
