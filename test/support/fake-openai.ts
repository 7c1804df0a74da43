import { silence, wait } from './delays.ts'
import { answer, refuse, serveFile } from './fake-openai-answer.ts'
import { type Call, callOf, end, leave } from './fake-openai-calls.ts'
import { noKey, oddAnswerOf, refusalOf, wrongKey } from './fake-openai-faults.ts'
import { type Markers, markersOf } from './fake-openai-markers.ts'
import type { ModelRules } from './fake-openai-models.ts'
import { type Order, orderOf } from './fake-openai-reply.ts'
import { type Refusal, type Submission, invalidRequest, readSubmission } from './fake-openai-request.ts'
import { STREAMING, inspect } from './fake-openai-rules.ts'
import { unknownParameter } from './fake-openai-values.ts'

export type { Call }

/**
 * OpenAI's Images API (protocols §1), strict about its requests; markers in the prompt order its faults. An instance
 * keeps plain data only, so that one serves many requests of workerd.
 */
export class FakeOpenai {
  readonly calls: Call[] = []
  readonly #apiKey: string
  readonly #spoilt = new Map<string, number>()
  #served = 0

  constructor(options: { apiKey?: string } = {}) {
    this.#apiKey = options.apiKey ?? 'sk-upstream-secret'
  }

  /** Forgets the calls and the uses of `@once` and `@twice`; pictures stay different from earlier ones. */
  reset(): void {
    this.calls.length = 0
    this.#spoilt.clear()
  }

  /** Rejects with the reason of the request's signal when that is aborted, as `fetch` does. */
  async handle(request: Request): Promise<Response> {
    const call = callOf(request)
    this.calls.push(call)
    request.signal.throwIfAborted()
    request.signal.addEventListener('abort', () => leave(call), { once: true })
    if (request.method === 'GET' && call.path.startsWith('/files/')) return serveFile(request, call)
    const started = Date.now()
    const response = await this.#respond(request, call)
    for (const [name, value] of Object.entries(standardHeaders(started))) response.headers.set(name, value)
    return response
  }

  async #respond(request: Request, call: Call): Promise<Response> {
    const [, operation] = /\/images\/(generations|edits|variations)$/.exec(call.path) ?? []
    if (request.method !== 'POST' || !operation) {
      return refuse(call, {
        ...invalidRequest(null, null, `Invalid URL (${request.method} ${call.path})`),
        status: 404,
      })
    }
    if (operation === 'variations') {
      end(call, 'refused:404:null')
      return new Response(null, { status: 404 })
    }
    const read = await readSubmission(request, operation === 'edits' ? 'edits' : 'generations')
    if ('submission' in read) Object.assign(call, { fields: read.submission.fields, files: read.submission.files })
    const unauthorized = this.#unauthorized(request)
    if (unauthorized) return refuse(call, unauthorized)
    if ('refusal' in read) return refuse(call, read.refusal)
    const inspected = inspect(read.submission)
    if ('refusal' in inspected) return refuse(call, inspected.refusal)
    return this.#serve(request, call, read.submission, inspected.rules)
  }

  #unauthorized(request: Request): Refusal | undefined {
    const [, key] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    if (key === undefined) return noKey
    return key === this.#apiKey ? undefined : wrongKey(key)
  }

  async #serve(request: Request, call: Call, submission: Submission, rules: ModelRules): Promise<Response> {
    const prompt = String(submission.fields['prompt'])
    const read = markersOf(prompt)
    if ('problem' in read) {
      return refuse(call, { ...invalidRequest('bad_marker', 'prompt', read.problem), status: 501 })
    }
    const stray = read.markers.noStream && Object.keys(submission.fields).find((name) => STREAMING.includes(name))
    if (stray) return refuse(call, strayRefusal(stray, read.markers))
    const order = orderOf(submission, rules, { ...read.markers, fault: this.#faultOf(prompt, read.markers) })
    const serial = ++this.#served
    await wait(order.markers.delayMs, request.signal)
    return (await this.#misbehave(request, call, order)) ?? answer(request, call, order, serial)
  }

  #faultOf(prompt: string, { fault, once, twice }: Markers): string | undefined {
    const spoilt = this.#spoilt.get(prompt) ?? 0
    this.#spoilt.set(prompt, spoilt + 1)
    return (spoilt < 1 ? once : undefined) ?? (spoilt < 2 ? twice : undefined) ?? fault
  }

  /** The answer of a fault without pictures. */
  async #misbehave(request: Request, call: Call, order: Order): Promise<Response | undefined> {
    const { fault } = order.markers
    if (fault === undefined || (fault === 'error-inside' && order.stream)) return undefined
    if (fault === 'silence') await silence(request.signal)
    const refusal = refusalOf(fault, this.#apiKey)
    if (refusal) return refuse(call, refusal)
    const response = oddAnswerOf(fault)
    if (response) end(call, `fault:${fault}`)
    return response
  }
}

const standardHeaders = (started: number): Record<string, string> => ({
  'x-request-id': `req_${crypto.randomUUID().replaceAll('-', '')}`,
  'openai-organization': 'org-upstream',
  'openai-processing-ms': String(Date.now() - started),
  'openai-version': '2020-10-01',
  'set-cookie': '__cf_bm=secret-cookie',
  'x-ratelimit-limit-requests': '250',
})

/** A relay may refuse a parameter without its name. */
const strayRefusal = (name: string, { noStream }: Markers): Refusal =>
  noStream === 'named' ? unknownParameter(name) : invalidRequest(null, null, 'Bad request.')
