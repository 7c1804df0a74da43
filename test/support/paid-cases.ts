import {
  TWICE,
  EACH,
  json,
  LATE,
  ESTIMATE,
  FREE,
  chat,
  GONE,
  LOOPBACK,
  ONCE,
  STATED,
  type PaidCase,
} from './paid-answers'
import { IMAGES_CASES } from './paid-images-cases'

/** Answers of chats, jobs and other APIs. */
const OTHER_CASES: readonly PaidCase[] = [
  {
    title: 'a chat with a link that is gone, with its cost',
    provider: 'openai-chat',
    model: 'banana',
    answer: json(chat(`![image](${GONE})`, { usage: { ...STATED, cost: 0.24 } })),
    bill: 240_000,
    posts: TWICE,
  },
  {
    title: 'a chat with a link into a private network',
    provider: 'openai-chat',
    answer: json(chat(`![image](${LOOPBACK})`)),
    posts: ONCE,
    ...ESTIMATE,
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
    title: "Stability's blurred picture",
    provider: 'stability',
    answer: () => new Response('blurred', { headers: { 'finish-reason': 'CONTENT_FILTERED' } }),
    posts: [1, 1, 1],
    ...ESTIMATE,
  },
]

/**
 * Answers with a good status and no usable picture. A row's answer is billed at `bill` each time that it is given, and
 * the ledger must say the same.
 */
export const PAID_CASES: readonly PaidCase[] = [...IMAGES_CASES, ...OTHER_CASES]
