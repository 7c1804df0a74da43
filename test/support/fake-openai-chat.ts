import * as z from 'zod'
import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FIELDS = ['model', 'messages', 'stream', 'modalities', 'image_config', 'user']
const FAULTS = [
  'moderation',
  'filtered',
  'refusal',
  'limited',
  'billing',
  'billing-inside',
  'unauthorized',
  'no-channel',
  'no-stream',
  'malformed',
  'gone',
  'error',
  'error-inside',
  'cut',
  'data',
]

const HEADERS = { 'x-oneapi-request-id': '2026112012000000000000000000000001' }
/** A data URL is cut anywhere. */
const DELTA_LENGTH = 700

interface Wrong {
  type?: string
  code?: string
  param?: string
}

/** An error in new-api's form, with its id in the message and an empty `param`. */
const wordedError = (message: string, { type = 'new_api_error', code = '', param = '' }: Wrong): object => ({
  error: { message: `${message} (request id: 20261120)`, type, param, code },
})

const refused = (status: number, message: string, wrong: Wrong = {}): Response =>
  Response.json(wordedError(message, wrong), { status, headers: HEADERS })

const noQuota = (): object => wordedError('The quota of this user is used up.', { code: 'insufficient_user_quota' })

/** A relay of the new-api family with pictures in a chat (protocols §2.1). */
export class FakeOpenaiChat extends FakeProvider {
  readonly provider = 'openai-chat'
  readonly model = 'gemini-3-pro-image'
  override readonly answersUrls = true
  override readonly basePath: string = '/v1'

  override get models(): string[] {
    return [this.model, 'relay-art']
  }

  protected answer(_: Request, sent: Sent): Promise<Response> | Response {
    if (sent.headers['authorization'] !== `Bearer ${this.key}`) {
      return refused(401, 'The token is not valid', { code: 'invalid_token' })
    }
    if (sent.method !== 'POST' || sent.path !== '/v1/chat/completions')
      return refused(404, `Invalid URL (${sent.path})`)
    if (sent.headers['content-type'] !== 'application/json') return refused(400, 'The body is no JSON')
    return this.#chat(sent)
  }

  async #chat({ body }: Sent): Promise<Response> {
    const { messages, stream } = fieldsOf(body, FIELDS, (field) =>
      refused(400, `Unknown parameter: '${field}'.`, { type: 'invalid_request_error', param: field }),
    )
    const order = this.order(promptOf(messages), FAULTS)
    const refusal = this.#refusal(order, stream === true)
    if (refusal) return refusal
    this.submits += 1
    if (order.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, order.delayMs))
    const content = await this.#content(order)
    if (stream === true) return streamOf(deltasOf(content, order))
    const message = { role: 'assistant', content }
    const finish_reason = order.fault === 'filtered' ? 'content_filter' : 'stop'
    return Response.json({ id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason }] }, { headers: HEADERS })
  }

  #refusal({ fault }: Order, isStream: boolean): Response | undefined {
    switch (fault) {
      case 'moderation':
        return refused(500, 'Your request was rejected by the safety system.', { code: 'moderation_blocked' })
      case 'limited':
        return refused(429, 'Too many requests. Please try again in 7s.', { code: 'rate_limit_exceeded' })
      case 'billing':
        return Response.json(noQuota(), { status: 403, headers: HEADERS })
      case 'unauthorized':
        return refused(401, 'The token is not valid', { code: 'invalid_token' })
      case 'no-channel':
        return refused(503, `No available channel for model ${this.model} under group default`, {
          code: 'model_not_found',
        })
      case 'error':
        return refused(500, 'bad response status code 500', { code: 'bad_response_status_code' })
      case 'malformed':
        return htmlPage()
      case 'no-stream':
        if (!isStream) return undefined
        return refused(400, 'This model cannot stream.', { type: 'invalid_request_error', param: 'stream' })
    }
    return undefined
  }

  async #content({ fault }: Order): Promise<string> {
    if (fault === 'refusal') return 'I cannot draw that. See https://relay.example.com/policy for why.'
    if (fault === 'filtered') return ''
    const isData = fault === 'data' || fault === 'cut'
    const url = isData ? `data:image/png;base64,${await this.base64()}` : this.pictureUrl(fault)
    return `![image](${url})`
  }
}

const contents = z.tuple([
  z.strictObject({
    role: z.literal('user'),
    content: z.union([
      z.string(),
      z.tuple([z.strictObject({ type: z.literal('text'), text: z.string() })]).rest(
        z.strictObject({
          type: z.literal('image_url'),
          image_url: z.strictObject({ url: z.string().startsWith('data:image/') }),
        }),
      ),
    ]),
  }),
])

/** The prompt of the one message, as a text or in a part before its pictures; undefined for another form. */
function promptOf(messages: unknown): string | undefined {
  const [message] = contents.safeParse(messages).data ?? []
  return typeof message?.content === 'string' ? message.content : message?.content[0].text
}

const chunkOf = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`

function deltasOf(content: string, { fault }: Order): string[] {
  const start = [': keep-alive\n\n', chunkOf({ role: 'assistant', content: '' })]
  if (fault === 'billing-inside') return [...start, `data: ${JSON.stringify(noQuota())}\n\n`]
  if (fault === 'error-inside') return [...start, `data: ${JSON.stringify(wordedError('upstream error', {}))}\n\n`]
  const prose = ['> 生成中 40%\n', ': keep-alive\n\n', '> 生成中 80%\n\n']
  const told = prose.map((line) => (line.startsWith(':') ? line : chunkOf({ content: line })))
  const count = Math.ceil(content.length / DELTA_LENGTH)
  const pieces = Array.from({ length: count }, (_, at) => content.slice(at * DELTA_LENGTH, (at + 1) * DELTA_LENGTH))
  const shown = pieces.map((piece) => chunkOf({ content: piece }))
  if (fault === 'cut') return [...start, ...told, ...shown.slice(0, -1)]
  return [
    ...start,
    ...told,
    ...shown,
    chunkOf({}, fault === 'filtered' ? 'content_filter' : 'stop'),
    'data: [DONE]\n\n',
  ]
}

function streamOf(events: readonly string[]): Response {
  const left = events.map((event) => new TextEncoder().encode(event))
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const event = left.shift()
      if (event) controller.enqueue(event)
      else controller.close()
    },
  })
  return new Response(body, { headers: { ...HEADERS, 'content-type': 'text/event-stream' } })
}
