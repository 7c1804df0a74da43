import * as z from 'zod'
import type { FakeOpenai } from './fake-openai'
import { internet } from './internet'

const reply = z.object({
  usage: z.object({
    input_tokens_details: z.object({ text_tokens: z.number(), image_tokens: z.number() }),
    output_tokens: z.number(),
  }),
})

/** USD per million tokens of gpt-image-2 (protocols §1.8), which is micro-USD per token. */
const PRICES = { textIn: 5, imageIn: 8, imageOut: 30 }

/** An upstream with a gate for its answers. It records its usage, so that its bill is independent of the gateway. */
export class BillingUpstream {
  readonly #fake: FakeOpenai
  /** The text of each answer as far as it was read, by the upstream's id of the request. */
  readonly #answers = new Map<string, string>()
  /** The body of each request, by the same id. */
  readonly #bodies = new Map<string, string>()
  #gate: { opened: Promise<void>; open: () => void } | undefined
  /** The number of requests since the gate was last shut. */
  held = 0

  constructor(fake: FakeOpenai) {
    this.#fake = fake
  }

  /** Holds every request from now on. */
  shut(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = { opened: promise, open: resolve }
    this.held = 0
  }

  open(): void {
    this.#gate?.open()
    this.#gate = undefined
  }

  async handle(request: Request): Promise<Response> {
    if (this.#gate) {
      this.held += 1
      await this.#gate.opened
    }
    const body = await request.clone().text()
    const response = await this.#fake.handle(request)
    const id = response.headers.get('x-request-id') ?? ''
    this.#bodies.set(id, body)
    const decoder = new TextDecoder()
    const copy = new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, controller) => {
        this.#answers.set(id, (this.#answers.get(id) ?? '') + decoder.decode(bytes, { stream: true }))
        controller.enqueue(bytes)
      },
    })
    return new Response(response.body?.pipeThrough(copy), response)
  }

  /**
   * The price of the answer to a request, in micro-USD. For one that died before its id was known, it is that of
   * another answer to its prompt.
   */
  bill(requestId: string | null, prompt: string): number | undefined {
    const equal = [...this.#bodies].flatMap(([id, body]) => (body.includes(JSON.stringify(prompt)) ? id : []))
    const ids = requestId === null ? equal : [requestId]
    const text = ids.map((id) => this.#answers.get(id)).find((each) => each?.endsWith('}'))
    if (text === undefined) return undefined
    const { usage } = reply.parse(JSON.parse(text))
    const { text_tokens, image_tokens } = usage.input_tokens_details
    return text_tokens * PRICES.textIn + image_tokens * PRICES.imageIn + usage.output_tokens * PRICES.imageOut
  }
}

/** The price of low quality at 1024x1024: 196 tokens per picture, and one per 4 characters of the prompt. */
export const price = (prompt: string, pictures = 1): number =>
  pictures * 196 * PRICES.imageOut + Math.ceil(prompt.length / 4) * PRICES.textIn

/** The quote of the same, with a token for each byte of the prompt. */
export const quoteOf = (prompt: string, pictures = 1): number =>
  pictures * 196 * PRICES.imageOut + prompt.length * PRICES.textIn

/** Holds an upstream's answers until the gate opens. */
export function gated(upstream: FakeOpenai): BillingUpstream {
  const gate = new BillingUpstream(upstream)
  internet({ 'api.openai.com': gate })
  gate.shut()
  return gate
}
