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

const TWICE: PaidCase['posts'] = [1, 2, 2]
const EACH: PaidCase['posts'] = [1, 2, 3]

const json = (body: unknown) => (): Response => Response.json(body)
const text =
  (body: string, type = 'application/json') =>
  (): Response =>
    new Response(body, { headers: { 'content-type': type } })

/** A late answer comes after the time for which a broken connection may be billed. */
const LATE = { afterMs: 7000 }
const ESTIMATE = { priced: true, bill: PRICE, isEstimate: true } as const
const FREE = { priced: true, bill: 0 } as const
const OPENAI_USAGE = {
  input_tokens: 4,
  output_tokens: 196,
  total_tokens: 200,
  input_tokens_details: { text_tokens: 4, image_tokens: 0 },
}
const chat = (content: string, more: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  ...more,
})
const EMPTY_PICTURE = { data: [{ b64_json: '!!!!' }] }
const STATED = { prompt_tokens: 9, completion_tokens: 7059, completion_tokens_details: { image_tokens: 7059 } }

/**
 * Answers with a good status and no usable picture. A row's answer is billed at `bill` each time that it is given, and
 * the ledger must say the same.
 */
export const PAID_CASES: readonly PaidCase[] = [
  {
    title: 'an object in an unknown form',
    provider: 'openai',
    answer: json({ result: { picture: 'file-1' } }),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: '`data` as an object',
    provider: 'openai',
    answer: json({ data: { note: 'see your dashboard' } }),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: 'unknown events as JSON',
    provider: 'openai',
    answer: text('event: done\ndata: {"picture":"file-1"}\n\ndata: [DONE]\n\n'),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: 'events without a picture',
    provider: 'openai',
    answer: text('event: done\ndata: {"picture":"file-1"}\n\ndata: [DONE]\n\n', 'text/event-stream'),
    posts: TWICE,
    ...ESTIMATE,
  },
  { title: 'words', provider: 'openai', answer: text('Here you are.', 'text/plain'), posts: TWICE, ...ESTIMATE },
  {
    title: 'base64 that is none',
    provider: 'openai',
    answer: json(EMPTY_PICTURE),
    posts: [2, 2, 2],
    ...ESTIMATE,
  },
  {
    title: 'a picture that is none',
    provider: 'openai',
    answer: json({ data: [{ b64_json: btoa('Here you are.') }] }),
    posts: [2, 2, 2],
    ...ESTIMATE,
  },
  {
    title: 'an empty list, late',
    provider: 'openai',
    answer: json({ data: [] }),
    posts: TWICE,
    ...LATE,
    ...ESTIMATE,
  },
  { title: 'an empty list', provider: 'openai', answer: json({ created: 1, data: [] }), posts: EACH, ...FREE },
  { title: 'no body', provider: 'openai', answer: text(''), posts: EACH, ...FREE },
  { title: 'a web page', provider: 'openai', answer: text('<html></html>', 'text/html'), posts: EACH, ...FREE },
  {
    title: 'an unknown form with its tokens, late',
    provider: 'openai',
    model: 'gpt-image-2',
    answer: json({ result: 'file-1', usage: OPENAI_USAGE }),
    bill: 196 * 30 + 4 * 5,
    posts: TWICE,
    ...LATE,
  },
  {
    title: 'an empty list with its tokens',
    provider: 'openai',
    model: 'gpt-image-2',
    answer: json({ data: [], usage: OPENAI_USAGE }),
    bill: 196 * 30 + 4 * 5,
    posts: TWICE,
  },
  {
    title: 'an empty chat with its cost',
    provider: 'openai-chat',
    model: 'banana',
    answer: json(chat('', { usage: { ...STATED, cost: 0.24 } })),
    bill: 240_000,
    posts: TWICE,
  },
  {
    title: 'an empty list with its cost',
    provider: 'openrouter',
    model: 'banana',
    answer: json({ data: [], usage: { cost: 0.041234 } }),
    bill: 41_234,
    posts: TWICE,
  },
  {
    title: 'an empty chat with image tokens',
    provider: 'openai-chat',
    answer: json(chat('', { usage: STATED })),
    posts: TWICE,
    ...ESTIMATE,
  },
  { title: 'a chat in words', provider: 'openai-chat', answer: json(chat('A fine day.')), posts: EACH, ...FREE },
  {
    title: 'a chat in words, late',
    provider: 'openai-chat',
    answer: json(chat('A fine day.')),
    posts: TWICE,
    ...LATE,
    ...ESTIMATE,
  },
  {
    title: "Gemini's answer without a picture, but with tokens",
    provider: 'gemini',
    answer: json({
      candidates: [{ finishReason: 'NO_IMAGE' }],
      usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
    }),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: "Gemini's answer without a picture",
    provider: 'gemini',
    answer: json({ candidates: [{ finishReason: 'NO_IMAGE' }] }),
    posts: EACH,
    ...FREE,
  },
  {
    title: "fal's job without its addresses",
    provider: 'fal',
    model: 'acme/painter',
    answer: json({ status: 'IN_QUEUE', request_id: 'a' }),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: "Replicate's job without its address",
    provider: 'replicate',
    model: 'acme/painter',
    answer: json({ id: 'a', status: 'starting' }),
    posts: TWICE,
    ...ESTIMATE,
  },
  {
    title: "Recraft's empty list with its credits",
    provider: 'recraft',
    model: 'painter',
    answer: json({ data: [], credits: 40 }),
    bill: 40_000,
    posts: TWICE,
  },
  {
    title: "xAI's moderated picture with its cost",
    provider: 'xai',
    model: 'painter',
    answer: json({
      data: [{ url: 'https://files.example.com/a.png', respect_moderation: false }],
      usage: { cost_in_usd_ticks: 200_000_000 },
    }),
    bill: 20_000,
    posts: [1, 1, 1],
  },
  {
    title: "Stability's blurred picture",
    provider: 'stability',
    answer: () => new Response('blurred', { headers: { 'finish-reason': 'CONTENT_FILTERED' } }),
    posts: [1, 1, 1],
    ...ESTIMATE,
  },
  {
    title: 'an error with status 200',
    provider: 'openai',
    answer: json({ error: { message: 'The server had an error.', type: 'server_error', code: 'insufficient_quota' } }),
    posts: EACH,
    ...FREE,
  },
]
