/** An upstream's answer to a request that buys, and its bill. */
export interface PaidCase {
  title: string
  provider: string
  /** The upstream's name of the model, which has no price of its own unless `priced`. */
  model?: string
  /** Whether the settings give the price PRICE for each picture. */
  priced?: true
  answer: () => Response
  /** The time of the answer after its request, in ms; 0 by default. */
  afterMs?: number
  /** The bill for each request, in micro-USD. */
  bill: number
  /** The requests with one, two and three accounts. */
  posts: [one: number, two: number, three: number]
  /** Whether the ledger holds an estimate. */
  isEstimate?: true
}

/** The price of a picture in the settings, in micro-USD. */
export const PRICE = 40_000

export const ONCE: PaidCase['posts'] = [1, 1, 1]
export const TWICE: PaidCase['posts'] = [1, 2, 2]
export const EACH: PaidCase['posts'] = [1, 2, 3]

export const json = (body: unknown) => (): Response => Response.json(body)
export const text =
  (body: string, type = 'application/json') =>
  (): Response =>
    new Response(body, { headers: { 'content-type': type } })

/** A late answer comes after the time for which a broken connection may be billed. */
export const LATE = { afterMs: 7000 }
export const ESTIMATE = { priced: true, bill: PRICE, isEstimate: true } as const
export const FREE = { priced: true, bill: 0 } as const
export const OPENAI_USAGE = {
  input_tokens: 4,
  output_tokens: 196,
  total_tokens: 200,
  input_tokens_details: { text_tokens: 4, image_tokens: 0 },
}
export const chat = (content: string, more: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  ...more,
})
/** A relay's link into its own network. */
export const LOOPBACK = 'http://127.0.0.1:3000/images/picture.png'
/** No host answers at it. */
export const GONE = 'https://gone.example.com/picture.png'
export const EMPTY_PICTURE = { data: [{ b64_json: '!!!!' }] }
export const STATED = { prompt_tokens: 9, completion_tokens: 7059, completion_tokens_details: { image_tokens: 7059 } }
