import { base64Of, makePicture } from './fake-picture.ts'
import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const BODY = ['contents', 'generationConfig', 'safetySettings']
const GENERATION = ['responseModalities', 'imageConfig', 'seed', 'candidateCount', 'thinkingConfig']
const RATIOS = '1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 1:4 4:1 1:8 8:1'.split(' ')
const CATEGORIES = ['HARASSMENT', 'HATE_SPEECH', 'SEXUALLY_EXPLICIT', 'DANGEROUS_CONTENT']

const DRAFTS = ['draft-first', 'draft-first-late', 'draft-last', 'draft-last-late', 'draft-alone', 'draft-alone-late']
const REFUSALS = [
  'moderation',
  'output-moderation',
  'language',
  'limited',
  'billing',
  'unauthorized',
  'retired',
  'unusual',
  'nameless',
  'MISSING_THOUGHT_SIGNATURE',
  'constructor',
  'ESCALATION',
  'PUP_LIMITED_DISABLED',
  'MODEL_ARMOR',
]
const MISHAPS = ['no-image', 'malformed', 'error', 'error-inside', 'jpeg', 'cut', 'cut-late', 'signed', 'snake-case']
const FAULTS = [...DRAFTS, ...REFUSALS, ...MISHAPS]

/** Longer than one part of an upload to R2. */
const LONG = 6_000_000

type Part = Record<string, unknown>

/** An error in Google's form (protocols §3.5), in an array of one on some of its surfaces. */
function refused(code: number, status: string, message: string, details: unknown[] = []): Response {
  return Response.json({ error: { code, message, status, details } }, { status: code })
}

const detail = (type: string, said: Record<string, unknown>): unknown => ({
  '@type': `type.googleapis.com/google.rpc.${type}`,
  ...said,
})

const invalid = (message: string): Response => refused(400, 'INVALID_ARGUMENT', message)
const unknownName = (field: string): Response =>
  invalid(`Invalid JSON payload received. Unknown name "${field}": Cannot find field.`)

/** Google's Gemini API (protocols §3), as far as it makes pictures. */
export class FakeGemini extends FakeProvider {
  readonly provider = 'gemini'
  readonly model = 'gemini-nano-banana-2.1'
  /** The base64 of the final pictures, in their order. */
  readonly finals: string[] = []

  override reset(): void {
    super.reset()
    this.finals.length = 0
  }

  protected answer(_: Request, { method, path, headers, body }: Sent): Promise<Response> | Response {
    if (headers['x-goog-api-key'] !== this.key) return this.#wrongKey()
    if (method !== 'POST' || path !== `/v1beta/models/${this.model}:generateContent`) return this.#gone()
    return this.#generate(fieldsOf(body, BODY, unknownName))
  }

  async #generate({ contents, generationConfig, safetySettings }: Part): Promise<Response> {
    checkConfig(generationConfig)
    checkSafety(safetySettings)
    const order = this.order(promptIn(contents), FAULTS)
    const refusal = this.#refusal(order.fault)
    if (refusal) return refusal
    this.begin(order)
    const answer = JSON.stringify(await this.#answerTo(order))
    return new Response(spoilt(answer, order.fault), {
      headers: { 'content-type': 'application/json; charset=UTF-8' },
    })
  }

  #wrongKey(): Response {
    const info = detail('ErrorInfo', { reason: 'API_KEY_INVALID', domain: 'googleapis.com', metadata: {} })
    return refused(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [info])
  }

  #gone(): Response {
    return refused(404, 'NOT_FOUND', 'This model is not found for API version v1beta.')
  }

  #refusal(fault: string | undefined): Response | undefined {
    switch (fault) {
      case 'limited':
        return refused(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', [detail('RetryInfo', { retryDelay: '33.29s' })])
      case 'billing':
        return refused(400, 'FAILED_PRECONDITION', 'Enable billing on your project in Google AI Studio.')
      case 'unauthorized':
        return this.#wrongKey()
      case 'retired':
        return this.#gone()
      case 'nameless':
        return refused(404, 'NOT_FOUND', 'Requested entity was not found.')
      case 'malformed':
        return htmlPage()
      case 'error':
        return Response.json([{ error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } }], { status: 503 })
      case 'unusual':
        return Response.json([{ error: { code: 400, message: 'Unable.', status: 'INVALID_ARGUMENT' } }], {
          status: 400,
        })
      case 'error-inside':
        return Response.json({ error: { code: 500, message: 'Internal.', status: 'INTERNAL' } })
      default:
        return undefined
    }
  }

  async #answerTo({ fault }: Order): Promise<unknown> {
    const usageMetadata = { promptTokenCount: 12, candidatesTokenCount: 0, totalTokenCount: 12 }
    const ended = (finishReason: string): unknown => ({
      candidates: [{ content: { role: 'model' }, finishReason, index: 0 }],
      usageMetadata,
      responseId: 'response-1',
    })
    switch (fault) {
      case 'moderation':
        return { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata, responseId: 'response-1' }
      case 'output-moderation':
        return ended('IMAGE_SAFETY')
      case 'language':
        return ended('LANGUAGE')
      case 'no-image':
        return ended('NO_IMAGE')
      case 'MISSING_THOUGHT_SIGNATURE':
      case 'constructor':
      case 'ESCALATION':
      case 'PUP_LIMITED_DISABLED':
      case 'MODEL_ARMOR':
        return ended(fault)
      default:
        return made(await this.#parts(fault))
    }
  }

  async #parts(fault: string | undefined): Promise<Part[]> {
    switch (fault) {
      case 'draft-first':
        return [await this.#draft(), await this.#final()]
      case 'draft-first-late':
        return [await this.#draft(true), await this.#final()]
      case 'draft-last':
        return [await this.#final(), await this.#draft()]
      case 'draft-last-late':
        return [await this.#final(), await this.#draft(true)]
      case 'draft-alone':
        return [await this.#draft()]
      case 'draft-alone-late':
        return [await this.#draft(true)]
      case 'signed':
      case 'snake-case':
        return [{ text: 'Here' }, { ...(await this.#final()), thoughtSignature: 'A'.repeat(2_000_000) }]
      case 'jpeg':
        return [await this.#final('jpeg')]
      default:
        return [await this.#final()]
    }
  }

  async #final(format = 'png'): Promise<Part> {
    const data = format === 'png' ? await this.base64() : await long(format, 2000)
    this.finals.push(data)
    return { inlineData: { mimeType: 'image/png', data } }
  }

  async #draft(late = false): Promise<Part> {
    const inlineData = { mimeType: 'image/png', data: await long('png', LONG) }
    return late ? { inlineData, thought: true } : { thought: true, inlineData }
  }
}

const long = async (format: string, length: number): Promise<string> =>
  [...base64Of(await makePicture(format, 'draft', length))].join('')

/**
 * An answer that breaks off in its picture or behind it, before its kind is known. Or an answer in the snake case of
 * protobuf's JSON.
 */
function spoilt(answer: string, fault: string | undefined): string {
  if (fault === 'cut') return answer.slice(0, answer.indexOf('"data"') + 100)
  if (fault === 'snake-case') return answer.replaceAll(/"\w+":/g, inSnakeCase)
  return fault === 'cut-late' ? answer.slice(0, answer.indexOf('"}', answer.indexOf('"data"')) + 1) : answer
}

const inSnakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const made = (parts: Part[]): unknown => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, safetyRatings: [] }],
  usageMetadata: {
    promptTokenCount: 12,
    candidatesTokenCount: 1131,
    thoughtsTokenCount: 100,
    totalTokenCount: 1243,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 12 }],
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
  },
  modelVersion: 'gemini-nano-banana-2.1',
  responseId: 'response-1',
})

function checkConfig(generationConfig: unknown): void {
  const { responseModalities, imageConfig } = fieldsOf(generationConfig, GENERATION, unknownName)
  if (String(responseModalities) !== 'IMAGE') throw invalid('responseModalities')
  if (imageConfig === undefined) return
  const { aspectRatio, imageSize } = fieldsOf(imageConfig, ['aspectRatio', 'imageSize'], unknownName)
  if (!RATIOS.includes(String(aspectRatio))) throw invalid('aspect_ratio')
  const isKnown = typeof imageSize === 'string' ? ['1K', '2K', '4K'].includes(imageSize) : imageSize === undefined
  if (!isKnown) throw invalid('image_size')
}

function checkSafety(settings: unknown): void {
  for (const each of Array.isArray(settings) ? settings : []) {
    const { category, threshold } = fieldsOf(each, ['category', 'threshold'], unknownName)
    const isKnown = CATEGORIES.some((name) => category === `HARM_CATEGORY_${name}`)
    if (!isKnown || threshold !== 'BLOCK_NONE') throw invalid('safety_settings')
  }
}

/** The first text of the one content; its other parts are pictures. */
function promptIn(contents: unknown): unknown {
  const [content, ...others]: unknown[] = Array.isArray(contents) ? contents : []
  const { role, parts } = fieldsOf(content, ['role', 'parts'], unknownName)
  if (others.length > 0 || role !== 'user' || !Array.isArray(parts)) throw invalid('contents')
  const [first, ...pictures]: unknown[] = parts
  for (const picture of pictures) {
    const { inlineData } = fieldsOf(picture, ['inlineData'], unknownName)
    const { mimeType, data } = fieldsOf(inlineData, ['mimeType', 'data'], unknownName)
    if (typeof data !== 'string' || !String(mimeType).startsWith('image/')) throw invalid('inline_data')
  }
  return fieldsOf(first, ['text'], unknownName)['text']
}
