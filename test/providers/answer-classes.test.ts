import { describe, expect, test } from 'vitest'
import type { ProviderError } from '../../src/providers/provider'
import { readErrorBody } from '../../src/providers/wire/error-body'
import type { ErrorReader } from '../../src/providers/wire/error-report'
import { readFalError } from '../../src/providers/wire/fal-error'
import { readGoogleError } from '../../src/providers/wire/google-error'
import { readRelayError } from '../../src/providers/wire/relay-reply'
import { errorOfReport, errorOfResponse } from '../../src/providers/wire/upstream-error'
import { isWordedRefusal } from '../../src/providers/wire/worded-refusal'
import { oneChunk } from '../../src/streams/bytes'
import { OF_FAL, OF_GOOGLE } from '../support/answers-of-makers'
import { type AnswerRow, envelope, OF_OPENAI_AND_RELAYS, OF_OPENROUTER } from '../support/answers-of-relays'
import { OPENAI } from '../support/openai-account'

const UPSTREAM = { ...OPENAI, name: 'relay' }

/** The class in short: `kind`, `kind/scope`, and `?` for an answer without an explanation. */
function inShort({ kind, facts: { scope, isUnexplained, failure } }: ProviderError): string {
  const isContent = failure?.code === 'content_rejected'
  return `${isContent ? 'content' : kind}${scope ? `/${scope}` : ''}${isUnexplained ? '?' : ''}`
}

/** The error of an answer, read as its API's errors are. */
async function errorOf(read: ErrorReader, status: number, body: unknown): Promise<ProviderError> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = text.startsWith('<') ? 'text/html' : typeof body === 'string' ? 'text/plain' : 'application/json'
  const response = new Response(null, { status, headers: { 'content-type': type } })
  return errorOfResponse(response, UPSTREAM, await readErrorBody(oneChunk(new TextEncoder().encode(text))), read)
}

describe.each<[string, ErrorReader, AnswerRow[]]>([
  ['OpenAI and relays', readRelayError, OF_OPENAI_AND_RELAYS],
  ['OpenRouter', readRelayError, OF_OPENROUTER],
  ['Google', readGoogleError, OF_GOOGLE],
  ['fal', readFalError, OF_FAL],
])('an answer of %s has its class', (_, read, rows) => {
  const titled = rows.map((row) => [JSON.stringify(row[1]).slice(0, 120), ...row] as const)
  test.each(titled)('%s', async (_title, status, body, expected) => {
    expect(inShort(await errorOf(read, status, body))).toBe(expected)
  })
})

test.each([
  ['Please retry in 25.3s.', 25_300],
  ['Your quota will reset after 30s.', 30_000],
  ['Rate limit reached. Please try again in 12s. Visit the page.', 12_000],
  ['You have exceeded the rate limit, please slow down and try again after 51.84 seconds.', 51_840],
])('a limit names its wait in words: %s', async (words, waitMs) => {
  expect((await errorOf(readRelayError, 429, envelope(words))).facts.retryAfterMs).toBe(waitMs)
})

test.each([
  ['Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-1 on requests per min.', 'gpt-image'],
  ['Rate limit reached for gpt-image-2 in organization org-1 on tokens per min.', 'gpt-image-2'],
  ['* Quota exceeded for metric: requests, limit: 20, model: gemini-3-pro', 'gemini-3-pro'],
  ['Too many requests.', undefined],
])('a limit names its models: %s', async (words, group) => {
  expect((await errorOf(readRelayError, 429, envelope(words))).facts.group).toBe(group)
})

test.each([
  ['The prompt may violate our content policy.', 'content'],
  ['Your request was rejected by the safety system.', 'content'],
  ['The input or output was flagged as sensitive. (E005)', 'content'],
  ['NSFW content detected.', 'content'],
  ['CUDA out of memory', 'unavailable'],
  ['', 'unavailable'],
])('the words of a failed job decide on its class: %s', (message, expected) => {
  expect(inShort(errorOfReport({ message }, UPSTREAM))).toBe(expected)
})

test.each([
  ["I'm sorry, but I can't create that image: it violates our content policy.", true],
  ['抱歉，我无法生成这张图片，因为它违反了内容政策。', true],
  ["I can't see the attached file. Could you send it again?", false],
  ['A knight enforces the policy of the realm, a scene of violence.', false],
  ['Here is your picture of a cat.', false],
])('a refusal in words needs a policy as its subject: %s', (words, isRefusal) => {
  expect(isWordedRefusal(words)).toBe(isRefusal)
})
