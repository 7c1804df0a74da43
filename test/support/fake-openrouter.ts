import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FIELDS = ['model', 'prompt', 'n', 'size', 'resolution', 'aspect_ratio', 'quality', 'background', 'output_format']
const MORE_FIELDS = [
  'output_compression',
  'input_references',
  'seed',
  'stream',
  'user',
  'session_id',
  'trace',
  'provider',
]
const FAULTS = [
  'moderation',
  'limited',
  'billing',
  'unauthorized',
  'unknown-model',
  'malformed',
  'error',
  'error-inside',
  'partial',
  'empty',
]

const HEADERS = { 'x-generation-id': 'gen-img-1' }
const MODELS = ['openai/gpt-image-2', 'google/gemini-3-pro-image', 'bytedance-seed/seedream-4.5']

const refused = (code: number, message: string, metadata?: Record<string, unknown>): Response =>
  Response.json({ error: { code, message, ...(metadata && { metadata }) } }, { status: code, headers: HEADERS })

const usageOf = (count: number): object => ({
  prompt_tokens: 4,
  completion_tokens: 1120 * count,
  total_tokens: 4 + 1120 * count,
  completion_tokens_details: { image_tokens: 1120 * count },
  cost: 0.0672 * count,
})

/** OpenRouter's images API (protocols §2.2), which streams OpenAI's models only. */
export class FakeOpenrouter extends FakeProvider {
  readonly provider = 'openrouter'
  readonly model = 'gpt-image-2'
  override readonly basePath: string = '/api/v1'

  override get models(): string[] {
    return [this.model, 'gemini-3-pro-image', 'bytedance-seed/seedream-4.5']
  }

  protected answer(_: Request, sent: Sent): Promise<Response> | Response {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) return refused(401, 'No auth credentials found')
    if (sent.method !== 'POST' || sent.path !== '/api/v1/images') return refused(404, 'Not Found')
    if (sent.headers['content-type'] !== 'application/json') return refused(400, 'Invalid JSON')
    return this.#make(sent)
  }

  async #make({ body }: Sent): Promise<Response> {
    const fields = fieldsOf(body, [...FIELDS, ...MORE_FIELDS], (field) => refused(400, `Unrecognized key: "${field}"`))
    const { model, prompt, n = 1, stream = false } = fields
    if (!MODELS.includes(String(model))) return refused(404, `No endpoints found for ${String(model)}.`)
    const order = this.order(prompt, FAULTS)
    const refusal = this.#refusal(order)
    if (refusal) return refusal
    this.submits += 1
    if (order.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, order.delayMs))
    if (stream === true && String(model).startsWith('openai/')) return await this.#stream(order)
    const count = order.fault === 'empty' ? 0 : Number(n) - (order.fault === 'partial' ? 1 : 0)
    const data = await Promise.all(
      Array.from({ length: count }, async () => ({ b64_json: await this.base64(), media_type: 'image/png' })),
    )
    return Response.json({ created: 1_795_000_000, data, usage: usageOf(count) }, { headers: HEADERS })
  }

  #refusal({ fault }: Order): Response | undefined {
    switch (fault) {
      case 'moderation':
        return refused(403, 'Your input was flagged.', { reasons: ['violence'], flagged_input: 'A cat' })
      case 'limited':
        return refused(429, 'Rate limit exceeded')
      case 'billing':
        return refused(402, 'Insufficient credits')
      case 'unauthorized':
        return refused(401, 'User not found.')
      case 'unknown-model':
        return refused(404, 'No endpoints found.')
      case 'error':
        return refused(502, 'Provider returned error', { provider_name: 'OpenAI' })
      case 'malformed':
        return htmlPage()
      case 'error-inside':
        return Response.json({ error: { code: 402, message: 'Insufficient credits' } }, { headers: HEADERS })
    }
    return undefined
  }

  async #stream({ fault }: Order): Promise<Response> {
    const partial = async (index: number): Promise<object> => ({
      type: 'image_generation.partial_image',
      b64_json: await this.base64(),
      partial_image_index: index,
    })
    const last =
      fault === 'empty'
        ? { type: 'error', error: { message: 'No image.', code: 'server_error', param: null, type: 'server_error' } }
        : {
            type: 'image_generation.completed',
            b64_json: await this.base64(),
            created: 1_795_000_000,
            media_type: 'image/png',
            usage: usageOf(1),
          }
    const text = { type: 'image_generation.text_chunk', phase: 'final', text: 'A cat.' }
    const events = [await partial(0), await partial(1), text, last]
    const frames = events.map((event) => `: OPENROUTER PROCESSING\n\ndata: ${JSON.stringify(event)}\n\n`)
    return new Response(`${frames.join('')}data: [DONE]\n\n`, {
      headers: { ...HEADERS, 'content-type': 'text/event-stream' },
    })
  }
}
