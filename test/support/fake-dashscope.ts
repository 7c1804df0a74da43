import { FakeProvider, fieldsOf, Hollow, htmlPage, type Sent } from './fake-provider.ts'

const MODELS = ['qwen-image-3.0', 'qwen-image-3.0-pro']
const PATH = '/api/v1/services/aigc/multimodal-generation/generation'
const PARAMETERS = ['n', 'size', 'seed', 'negative_prompt', 'prompt_extend', 'watermark']

/** The answer to each fault: its status, its code and its message. */
const ERRORS: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  moderation: [400, 'DataInspectionFailed', 'Input data may contain inappropriate content.'],
  'late-moderation': [200, 'DataInspectionFailed', 'Output data may contain inappropriate content.'],
  limited: [429, 'Throttling.RateQuota', 'Requests rate limit exceeded, please try again later.'],
  'free-only': [403, 'AllocationQuota.FreeTierOnly', 'The free tier of the model has been exhausted.'],
  billing: [400, 'Arrearage', 'Access denied, please make sure your account is in good standing.'],
  unauthorized: [401, 'InvalidApiKey', 'Invalid API-key provided.'],
  'no-model': [404, 'ModelNotFound', 'The model does not exist.'],
  error: [500, 'InternalError', 'An internal error has occured, please try again later.'],
}
const FAULTS = [...Object.keys(ERRORS), 'malformed', 'gone', 'partial', 'words', 'refusing-words']

const failure = (status: number, code: string, message: string): Response =>
  Response.json({ request_id: 'request-1', code, message }, { status })

const invalid = (field: string): Response => failure(400, 'InvalidParameter', `${field} is not supported.`)

/** Alibaba Cloud's Model Studio (protocols §6.16): a message in, and a message with URLs out. */
export class FakeDashscope extends FakeProvider {
  readonly provider = 'dashscope'
  readonly model = 'qwen-image-3.0'
  override readonly answersUrls = true
  override readonly basePath = '/api/v1'
  override get models(): string[] {
    return MODELS
  }

  protected answer(_: Request, { method, path, headers, body }: Sent): Response {
    if (headers['authorization'] !== `Bearer ${this.key}`) return answerOf('unauthorized')
    if (method !== 'POST' || path !== PATH) return failure(404, 'InvalidURL', 'The URL is not valid.')
    if (headers['content-type'] !== 'application/json') return invalid('The body')
    const { model, input, parameters = {} } = fieldsOf(body, ['model', 'input', 'parameters'], invalid)
    const { fault } = this.order(promptOf(input), FAULTS)
    const asked = fieldsOf(parameters, PARAMETERS, invalid)
    const wrong = faultIn(asked)
    if (wrong) return invalid(wrong)
    if (!MODELS.includes(String(model))) return answerOf('no-model')
    if (fault && fault in ERRORS) return answerOf(fault)
    return fault === 'malformed' ? htmlPage() : this.#made(asked, fault)
  }

  #made({ n = 1, size = '2048*2048' }: Record<string, unknown>, fault: string | undefined): Response {
    this.submits += 1
    const [width, height] = String(size).split('*').map(Number)
    const pictures = Array.from({ length: Number(n) }, () => ({ image: this.pictureUrl(fault) }))
    const text = fault === 'refusing-words' ? 'I am sorry, this violates the content policy.' : 'A cat on a mat.'
    const content = fault === 'partial' ? [{ text }, ...pictures.slice(1)] : isWords(fault) ? [{ text }] : pictures
    const made = content.length - (content.length < pictures.length || isWords(fault) ? 1 : 0)
    return Response.json(
      {
        output: { choices: [{ finish_reason: 'stop', message: { role: 'assistant', content } }] },
        usage: { width, height, image_count: made },
        request_id: 'request-1',
      },
      { headers: { 'x-request-id': 'request-1' } },
    )
  }
}

const isWords = (fault: string | undefined): boolean => fault === 'words' || fault === 'refusing-words'

function answerOf(fault: string): Response {
  const [status, code, message] = ERRORS[fault] ?? []
  if (!status || !code || !message) throw new Hollow(`This fake has no answer to ${fault}.`)
  return failure(status, code, message)
}

/** The prompt of the one message: up to three pictures, then a text. */
function promptOf(input: unknown): unknown {
  const { messages } = fieldsOf(input, ['messages'], invalid)
  const [message, ...others]: unknown[] = Array.isArray(messages) ? messages : []
  const { role, content } = fieldsOf(message, ['role', 'content'], invalid)
  const parts: unknown[] = Array.isArray(content) ? content : []
  const pictures = parts.slice(0, -1).map((part) => fieldsOf(part, ['image'], invalid)['image'])
  const isRight = role === 'user' && others.length === 0 && pictures.length <= 3 && pictures.every(isDataUrl)
  if (!isRight) throw invalid('input')
  return fieldsOf(parts.at(-1), ['text'], invalid)['text']
}

const isDataUrl = (each: unknown): boolean => /^data:image\/[a-z]+;base64,[A-Za-z0-9+/=]+$/.test(String(each))

/** The name of a parameter with a value that the API refuses. */
function faultIn({
  n = 1,
  size = '1024*1024',
  watermark = false,
  seed = 1,
}: Record<string, unknown>): string | undefined {
  const [width = 0, height = 0] = /^\d+\*\d+$/.test(String(size)) ? String(size).split('*').map(Number) : []
  if (width * height < 512 * 512 || width * height > 2048 * 2048) return 'size'
  if (typeof n !== 'number' || n < 1 || n > 6) return 'n'
  if (typeof watermark !== 'boolean') return 'watermark'
  return Number.isInteger(seed) ? undefined : 'seed'
}
