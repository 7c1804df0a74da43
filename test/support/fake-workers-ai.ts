import { FakeProvider, fieldsOf, Hollow, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FLUX_2 = ['prompt', 'width', 'height', 'seed', 'guidance', 'input_image_0', 'input_image_1']
const MORE_INPUTS = ['input_image_2', 'input_image_3']
const STABLE_DIFFUSION = ['prompt', 'negative_prompt', 'width', 'height', 'image', 'image_b64', 'mask', 'num_steps']

/** The form of each model's requests, a form or JSON, and its fields (protocols §4). */
const MODELS: Record<string, { form?: true; bytes?: true; fields: string[] }> = {
  '@cf/black-forest-labs/flux-1-schnell': { fields: ['prompt', 'steps'] },
  '@cf/black-forest-labs/flux-2-dev': { form: true, fields: [...FLUX_2, ...MORE_INPUTS, 'steps'] },
  '@cf/black-forest-labs/flux-2-klein-4b': { form: true, fields: [...FLUX_2, ...MORE_INPUTS] },
  '@cf/leonardo/lucid-origin': { fields: ['prompt', 'guidance', 'seed', 'width', 'height', 'num_steps', 'steps'] },
  '@cf/leonardo/phoenix-1.0': {
    bytes: true,
    fields: ['prompt', 'guidance', 'seed', 'width', 'height', 'num_steps', 'negative_prompt'],
  },
  '@cf/stabilityai/stable-diffusion-xl-base-1.0': {
    bytes: true,
    fields: [...STABLE_DIFFUSION, 'strength', 'guidance', 'seed'],
  },
  '@cf/runwayml/stable-diffusion-v1-5-inpainting': {
    bytes: true,
    fields: [...STABLE_DIFFUSION, 'strength', 'guidance', 'seed'],
  },
}

/** By their names: the status, the code and the sentence. */
const FAILURES: Record<string, [number, number, string]> = {
  moderation: [
    400,
    3030,
    'AiError: AiError: Input prompt contains NSFW content (0f9e6a1c-4a44-4e42-8d7c-0c6a2d0a1b2c)',
  ],
  limited: [429, 3040, 'AiError: Capacity temporarily exceeded, please try again.'],
  allocation: [429, 3036, 'You have used up your daily free allocation of 10,000 neurons.'],
  billing: [403, 3023, 'Service unavailable for account'],
  unauthorized: [401, 10_000, 'Authentication error'],
  agreement: [403, 5016, 'User has not agreed to the terms of the model'],
  method: [405, 5019, 'Method not allowed for this model'],
  large: [400, 5004, 'AiError: Bad input: Error: input_image_0 must be at most 512x512'],
  slow: [408, 3007, 'Request timeout'],
  error: [500, 1031, 'AiError: AiError: Internal error'],
}
const FAULTS = [...Object.keys(FAILURES), 'malformed', 'cut', 'inside', 'empty']

/** The form of the binding's answer: raw, or one of its documented types for a model. */
export type Shape = 'response' | 'object' | 'stream' | 'bytes' | 'buffer'

/** Workers AI (protocols §4): by REST, and by `binding` as the platform passes it to a Worker. */
export class FakeWorkersAi extends FakeProvider {
  readonly provider = 'workers-ai'
  readonly model = '@cf/black-forest-labs/flux-2-klein-4b'
  override readonly basePath = '/client/v4/accounts/account-of-the-fake/ai/run'
  /** The form of the binding's answers. */
  shape: Shape = 'response'
  /** The options of the binding's calls. */
  readonly options: unknown[] = []

  override get models(): string[] {
    return Object.keys(MODELS)
  }

  override reset(): void {
    super.reset()
    this.shape = 'response'
    this.options.length = 0
  }

  readonly binding = {
    run: async (model: string, inputs: Record<string, unknown>, options: Record<string, unknown>): Promise<unknown> => {
      const { signal: _, ...others } = options
      this.options.push(others)
      const response = await this.handle(await this.#asRest(model, inputs))
      if (this.shape === 'response') return response.ok ? unwrapped(response) : raw(response)
      if (!response.ok) throw new Error(`InferenceUpstreamError: ${await sentence(response)}`)
      const isJson = response.headers.get('content-type')?.startsWith('application/json')
      if (isJson) return await (await unwrapped(response)).json()
      if (this.shape === 'stream') return response.body
      const bytes = await response.arrayBuffer()
      return this.shape === 'bytes' ? new Uint8Array(bytes) : bytes
    },
  }

  protected async answer(_: Request, { method, path, headers, body }: Sent): Promise<Response> {
    if (headers['authorization'] !== `Bearer ${this.key}`) return failure('unauthorized')
    const name = path.slice(this.basePath.length + 1)
    const model = MODELS[name]
    if (method !== 'POST' || !path.startsWith(this.basePath)) return envelope(404, 7000, 'No route for that URI')
    if (!model) return envelope(400, 5007, `No such model ${name} or task`)
    const type = model.form ? 'multipart/form-data' : 'application/json'
    if (!headers['content-type']?.startsWith(type)) return envelope(400, 3003, `Request is missing headers: ${type}`)
    const order = this.order(this.#promptOf(body, model.fields), FAULTS)
    if (FAILURES[order.fault ?? '']) return failure(order.fault ?? '')
    if (order.fault === 'malformed') return htmlPage()
    if (order.fault === 'inside') return envelope(200, 3040, 'Capacity temporarily exceeded, please try again.')
    this.submits += 1
    return await this.#made(order, model.bytes ?? false)
  }

  #promptOf(body: unknown, known: readonly string[]): unknown {
    const extra = (field: string): Response =>
      envelope(400, 5004, `AiError: Bad input: Error: Additional property '${field}' is not allowed`)
    const { prompt, image_b64: image } = fieldsOf(body, known, extra)
    if (image !== undefined && (typeof image !== 'string' || !image.startsWith('iVBORw0KGgo')))
      throw envelope(400, 5004, `Invalid data type for base64 input: ${typeof image}`)
    return prompt
  }

  async #made({ fault }: Order, isBytes: boolean): Promise<Response> {
    const picture = await this.picture()
    if (isBytes) {
      const bytes = fault === 'cut' ? picture.subarray(0, 0) : picture
      return new Response(bytes, { headers: { 'content-type': 'image/png' } })
    }
    const image = btoa(String.fromCharCode(...picture))
    const whole = JSON.stringify({ result: { image: fault === 'empty' ? null : image }, success: true, errors: [] })
    const said = fault === 'cut' ? whole.slice(0, 500) : whole
    return new Response(said, {
      headers: { 'content-type': 'application/json', 'cf-ai-req-id': 'request-of-the-fake' },
    })
  }

  /** Turns a call of the binding into one of REST; other bodies than JSON and forms reach no model. */
  async #asRest(model: string, inputs: Record<string, unknown>): Promise<Request> {
    const { multipart } = inputs
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' }
    const url = `${this.origin || 'https://workers-binding.ai'}${this.basePath}/${model}`
    if (!multipart) return new Request(url, { method: 'POST', headers, body: JSON.stringify(inputs) })
    if (typeof multipart !== 'object' || !('body' in multipart) || !('contentType' in multipart))
      throw new Hollow('form')
    const { body, contentType } = multipart
    if (!(body instanceof ReadableStream) || typeof contentType !== 'string') throw new Hollow('The form is no stream.')
    const init = { method: 'POST', headers: { ...headers, 'content-type': contentType }, body, duplex: 'half' as const }
    return new Request(url, init)
  }
}

const envelope = (status: number, code: number, message: string): Response =>
  Response.json({ success: false, errors: [{ code, message }], messages: [], result: null }, { status })

function failure(name: string): Response {
  const [status, code, message] = FAILURES[name] ?? [500, 0, '']
  return envelope(status, code, message)
}

/** The binding's answer is the `result` of REST; any other answer stays as it is. */
async function unwrapped(response: Response): Promise<Response> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) return response
  const said = await response.text()
  const [, result = said] = /^\{"result":(\{.*?\})/.exec(said) ?? [undefined, said.replace(/^\{"result":/, '')]
  return new Response(result, { status: response.status, headers: response.headers })
}

/** A raw answer has another form of a failure than REST. */
async function raw(response: Response): Promise<Response> {
  const [, internalCode = '', description] = /^(\d+): (.*)$/.exec(await sentence(response)) ?? []
  return Response.json({ internalCode: Number(internalCode), description }, { status: response.status })
}

async function sentence(response: Response): Promise<string> {
  const [, code, message] = /"code":(\d+),"message":"([^"]*)"/.exec(await response.text()) ?? []
  return `${code}: ${message}`
}
