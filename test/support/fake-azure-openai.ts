import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FIELDS = ['model', 'prompt', 'n', 'size', 'quality', 'background', 'output_format', 'output_compression', 'user']
const MORE_FIELDS = ['stream', 'partial_images']
const GENERATION = [...FIELDS, ...MORE_FIELDS, 'moderation']
const EDIT = [...FIELDS, ...MORE_FIELDS, 'image', 'image[]', 'mask']
const FAULTS = [
  'moderation',
  'output-moderation',
  'policy',
  'filtered-inside',
  'limited',
  'billing',
  'unauthorized',
  'no-deployment',
  'malformed',
  'error',
  'partial',
]

const refusal = (status: number, code: string, message: string, more: Record<string, unknown> = {}): Response =>
  Response.json({ created: 1_763_600_000, error: { code, message, ...more } }, { status, headers: IDS })

const IDS = { 'apim-request-id': 'apim-1', 'x-ms-region': 'Sweden Central' }
const FILTERED = 'Your task failed as a result of our safety system.'
const NO_ACCESS = 'Access denied due to invalid subscription key or wrong API endpoint.'

/** OpenAI's models at Azure (protocols §6.1), by the v1 paths and by those of a dated version. */
export class FakeAzureOpenai extends FakeProvider {
  readonly provider = 'azure-openai'
  readonly model = 'gpt-image-2'
  readonly deployment = 'pictures-eu'

  override get models(): string[] {
    return [`${this.model}=${this.deployment}`]
  }

  protected async answer(_: Request, sent: Sent): Promise<Response> {
    const url = new URL(sent.path, this.origin)
    const operation = this.#operationOf(url)
    if (sent.method !== 'POST' || !operation) return refusal(404, '404', 'Resource not found')
    if (sent.headers['api-key'] !== this.key) return refusal(401, '401', NO_ACCESS)
    const type = operation === 'edits' ? 'multipart/form-data' : 'application/json'
    if (!sent.headers['content-type']?.startsWith(type)) return refusal(400, 'BadRequest', `Send ${type}.`)
    const stray = (field: string): Response =>
      refusal(400, 'unknown_parameter', `Unknown parameter: '${field}'.`, { param: field })
    const fields = fieldsOf(sent.body, operation === 'edits' ? EDIT : GENERATION, stray)
    const order = this.order(fields['prompt'], FAULTS)
    if (fields['model'] !== this.deployment || order.fault === 'no-deployment')
      return refusal(404, 'DeploymentNotFound', 'The API deployment for this resource does not exist.')
    return (await this.#refused(order)) ?? this.#made(order, fields, operation)
  }

  #operationOf({ pathname, searchParams }: URL): string | undefined {
    const isDated = /^\d{4}-/.test(searchParams.get('api-version') ?? '')
    const place = isDated ? `/openai/deployments/${this.deployment}/images/` : '/openai/v1/images/'
    const operation = pathname.startsWith(place) ? pathname.slice(place.length) : ''
    return ['generations', 'edits'].includes(operation) ? operation : undefined
  }

  async #refused({ fault }: Order): Promise<Response | undefined> {
    switch (fault) {
      case 'moderation':
        return refusal(400, 'contentFilter', FILTERED)
      case 'output-moderation':
        return refusal(400, 'contentFilter', 'Generated image was filtered as a result of our safety system.')
      case 'policy':
        return refusal(400, 'BadRequest', 'The prompt was filtered.', {
          inner_error: {
            code: 'ResponsibleAIPolicyViolation',
            content_filter_results: { violence: { filtered: true } },
          },
        })
      case 'limited':
        return refusal(429, '429', 'Requests have exceeded the call rate limit. Please retry after 7 seconds.')
      case 'billing':
        return refusal(429, 'insufficient_quota', 'You exceeded your current quota.', { type: 'insufficient_quota' })
      case 'unauthorized':
        return refusal(401, '401', NO_ACCESS)
      case 'malformed':
        return htmlPage()
      case 'error':
        return refusal(500, 'InternalServerError', 'The server had an error.')
      default:
        return undefined
    }
  }

  async #made(order: Order, fields: Record<string, unknown>, operation: string): Promise<Response> {
    this.submits += 1
    if (fields['stream'] === true || fields['stream'] === 'true') return this.#streamed(order, fields, operation)
    if (order.fault === 'filtered-inside') return refusal(200, 'contentFilter', FILTERED)
    const count = Number(fields['n'] ?? 1) - (order.fault === 'partial' ? 1 : 0)
    const data = await Promise.all(Array.from({ length: count }, async () => ({ b64_json: await this.base64() })))
    return Response.json({ created: 1_763_600_000, data, usage: USAGE }, { headers: IDS })
  }

  async #streamed({ fault }: Order, fields: Record<string, unknown>, operation: string): Promise<Response> {
    const name = operation === 'edits' ? 'image_edit' : 'image_generation'
    const frame = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    const picture = async (type: string, more: Record<string, unknown>): Promise<string> =>
      frame(type, { type, b64_json: await this.base64(), ...more })
    const frames: string[] = []
    for (let at = 0; at < Number(fields['partial_images'] ?? 0); at++)
      frames.push(await picture(`${name}.partial_image`, { partial_image_index: at }))
    if (fault === 'filtered-inside')
      frames.push(frame('error', { error: { code: 'contentFilter', message: FILTERED } }))
    else frames.push(await picture(`${name}.completed`, { usage: USAGE }))
    return new Response(frames.join(''), { headers: { 'content-type': 'text/event-stream', ...IDS } })
  }
}

const USAGE = {
  input_tokens: 18,
  input_tokens_details: { text_tokens: 18, image_tokens: 0 },
  output_tokens: 196,
  total_tokens: 214,
}
