import { FakeProvider, fieldsOf, htmlPage, type Sent } from './fake-provider.ts'

const FIELDS = [
  'model',
  'prompt',
  'image',
  'size',
  'sequential_image_generation',
  'sequential_image_generation_options',
]
const MORE_FIELDS = ['watermark', 'stream', 'response_format', 'output_format', 'optimize_prompt_options']
const KNOWN = [...FIELDS, ...MORE_FIELDS, 'seed', 'guidance_scale']

const MODELS = ['doubao-seedream-4-0-250828', 'doubao-seedream-5-0-260128', 'dola-seedream-5-0-pro-260628']
const PRO = /-5-0-pro-/

/** The answer to each fault. */
const ERRORS: Readonly<Record<string, readonly [status: number, code: string]>> = {
  moderation: [400, 'InputTextSensitiveContentDetected'],
  'input-moderation': [400, 'InputImageSensitiveContentDetected'],
  limited: [429, 'RateLimitExceeded.EndpointRPMExceeded'],
  overloaded: [429, 'ServerOverloaded'],
  quota: [429, 'QuotaExceeded'],
  billing: [403, 'AccountOverdueError'],
  unauthorized: [401, 'AuthenticationError'],
  'not-open': [404, 'ModelNotOpen'],
  'no-model': [404, 'InvalidEndpointOrModel.NotFound'],
  error: [500, 'InternalServiceError'],
}
/** Faults of one picture, reported in its place. */
const INSIDE: Readonly<Record<string, string>> = {
  'output-moderation': 'OutputImageSensitiveContentDetected',
  'error-inside': 'InternalServiceError',
  partial: 'OutputImageSensitiveContentDetected',
}
const FAULTS = [...Object.keys(ERRORS), ...Object.keys(INSIDE), 'malformed', 'odd', 'url', 'gone']

const errorOf = (code: string, param = ''): Record<string, unknown> => ({
  code,
  message: `The request failed: ${code}. Request id: 0217326000000000000000000000000000000000000000000001`,
  param,
  type: 'BadRequest',
})

const refusal = (status: number, code: string, param?: string): Response =>
  Response.json({ error: errorOf(code, param) }, { status })

const invalid = (param: string): Response => refusal(400, 'InvalidParameter', param)

/** Volcengine Ark (protocols §6.9): one picture to a request, or an error in its place. */
export class FakeArk extends FakeProvider {
  readonly provider = 'ark'
  readonly model = 'doubao-seedream-4-0-250828'
  override readonly answersUrls = true
  override readonly basePath = '/api/v3'
  override get models(): string[] {
    return MODELS
  }

  protected async answer(_: Request, { method, path, headers, body }: Sent): Promise<Response> {
    if (headers['authorization'] !== `Bearer ${this.key}`) return refusal(401, 'AuthenticationError')
    if (method !== 'POST' || path !== '/api/v3/images/generations') return refusal(404, 'InvalidAction')
    if (headers['content-type'] !== 'application/json') return invalid('body')
    const fields = fieldsOf(body, KNOWN, invalid)
    const { fault, delayMs } = this.order(fields['prompt'], FAULTS)
    const wrong = faultIn(fields)
    if (wrong) return invalid(wrong)
    if (!MODELS.includes(String(fields['model']))) return refusal(404, 'InvalidEndpointOrModel.NotFound')
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    const [status, code] = ERRORS[fault ?? ''] ?? []
    if (status && code) return refusal(status, code)
    if (fault === 'malformed') return htmlPage()
    this.submits += 1
    return await this.#made(fields, fault)
  }

  async #made({ model, size = '2048x2048', output_format }: Record<string, unknown>, fault = ''): Promise<Response> {
    const inside = INSIDE[fault]
    const failed = inside ? [{ error: errorOf(inside) }] : []
    const isMade = !inside || fault === 'partial'
    const picture = { ...(await this.#picture(fault)), size, ...(output_format ? { output_format } : {}) }
    const usage = { generated_images: isMade ? 1 : 0, output_tokens: 16_384, total_tokens: 16_384 }
    const data = [...failed, ...(isMade ? [picture] : [])]
    return Response.json(
      { model, created: 1_732_000_000, data, usage: fault === 'odd' ? { output_tokens: 'many' } : usage },
      { headers: { 'x-request-id': '02173260' } },
    )
  }

  async #picture(fault: string): Promise<Record<string, string>> {
    if (fault === 'url' || fault === 'gone') return { url: this.pictureUrl(fault) }
    return { b64_json: await this.base64() }
  }
}

const areaOf = (size: string): number =>
  size
    .split('x')
    .map(Number)
    .reduce((a, b) => a * b)

/** The name of a parameter with a value that the API refuses. */
function faultIn(fields: Record<string, unknown>): string | undefined {
  const { image = [], model, size = '2K', watermark = true, output_format, seed = 1 } = fields
  const isDataUrl = (each: unknown): boolean => /^data:image\/[a-z]+;base64,[A-Za-z0-9+/=]+$/.test(String(each))
  if (!Array.isArray(image) || image.length > (PRO.test(String(model)) ? 10 : 14) || !image.every(isDataUrl))
    return 'image'
  if (!/^(?:1K|2K|4K|\d+x\d+)$/.test(String(size))) return 'size'
  if (PRO.test(String(model)) && areaOf(String(size)) > 2048 * 2048 * 1.01) return 'size'
  if (typeof watermark !== 'boolean') return 'watermark'
  if (output_format !== undefined && !String(model).includes('-5-0-')) return 'output_format'
  return Number.isInteger(seed) ? undefined : 'seed'
}
