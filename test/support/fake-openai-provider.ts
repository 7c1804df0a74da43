import { FakeOpenai } from './fake-openai.ts'
import { FakeProvider } from './fake-provider.ts'

/** OpenAI's own API, as one of several upstreams, without hashes in `served`. */
export class FakeOpenaiProvider extends FakeProvider {
  readonly provider = 'openai'
  readonly model = 'gpt-image-2'
  override readonly basePath = '/v1'
  readonly #openai = new FakeOpenai({ apiKey: this.key })

  override reset(): void {
    super.reset()
    this.#openai.reset()
  }

  override async handle(request: Request): Promise<Response> {
    const at = this.#openai.calls.length
    const response = await this.answer(request)
    const call = this.#openai.calls[at]
    if (call) this.sent.push({ method: call.method, path: call.path, headers: call.headers, body: call.fields })
    if (response.ok) this.submits += 1
    return response
  }

  protected answer(request: Request): Promise<Response> {
    return this.#openai.handle(request)
  }
}
