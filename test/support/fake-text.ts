/** A request for a text, as an upstream got it. */
export interface TextCall {
  path: string
  headers: Headers
  body: string
  fields: Record<string, unknown>
}

type Answer = (call: TextCall, request: Request) => Response | Promise<Response>

const REPLIES: Record<string, Answer> = {
  '/v1/chat/completions': ({ fields }) => json({ choices: [], model: fields['model'], usage: chatUsage(7, 5) }),
  '/v1/responses': ({ fields }) => json({ output: [], model: fields['model'], usage: responseUsage(7, 5) }),
}

export const chatUsage = (input: number, output: number): Record<string, number> => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
})

export const responseUsage = (input: number, output: number): Record<string, number> => ({
  input_tokens: input,
  output_tokens: output,
  total_tokens: input + output,
})

/** An answer as an upstream sends it, with headers that the client must not see. */
export function textAnswer(body: BodyInit, contentType: string, status = 200): Response {
  const headers = new Headers({ 'content-type': contentType, server: 'nginx', 'x-ratelimit-limit-requests': '10000' })
  headers.set('x-request-id', 'req_upstream')
  headers.set('openai-organization', 'org-upstream')
  headers.append('set-cookie', '__cf_bm=secret; path=/')
  return new Response(body, { status, headers })
}

export const json = (body: unknown, status?: number): Response =>
  textAnswer(JSON.stringify(body), 'application/json', status)

/** An upstream of text models, strict about its key, its models and the form of its requests. */
export class FakeText {
  readonly calls: TextCall[] = []
  readonly #apiKeys: string[]
  readonly #models: string[]
  readonly #answers: Answer[] = []

  constructor(apiKeys: string[], models: string[]) {
    this.#apiKeys = apiKeys
    this.#models = models
  }

  reset(): void {
    this.calls.length = 0
    this.#answers.length = 0
  }

  /** Sets the answers to the next requests, in order. */
  next(...answers: Answer[]): void {
    this.#answers.push(...answers)
  }

  async handle(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url)
    const reply = REPLIES[path]
    const bytes = await request.bytes()
    const body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (request.method !== 'POST' || !reply) return refusal(404, `Invalid URL (${request.method} ${path})`)
    if (!this.#apiKeys.includes(request.headers.get('authorization')?.replace('Bearer ', '') ?? ''))
      return refusal(401, 'Incorrect API key provided.', 'invalid_api_key')
    const fields: Record<string, unknown> = JSON.parse(body)
    const call = { path, headers: request.headers, body, fields }
    this.calls.push(call)
    if (!this.#models.includes(String(fields['model']))) return refusal(404, 'No such model.', 'model_not_found')
    return await (this.#answers.shift() ?? reply)(call, request)
  }
}

export const refusal = (status: number, message: string, code: string | null = null): Response =>
  json({ error: { message, type: 'invalid_request_error', param: null, code } }, status)
