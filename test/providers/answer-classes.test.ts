import { describe, expect, test } from 'vitest'
import { openaiProvider } from '../../src/providers/openai'
import type { ProviderError, Upstream } from '../../src/providers/provider'
import { readErrorBody } from '../../src/providers/wire/error-body'
import type { ErrorReader } from '../../src/providers/wire/error-report'
import { readFalError } from '../../src/providers/wire/fal-error'
import { readGoogleError } from '../../src/providers/wire/google-error'
import { readRelayError } from '../../src/providers/wire/relay-reply'
import { errorOfReport, errorOfResponse } from '../../src/providers/wire/upstream-error'
import { isWordedRefusal } from '../../src/providers/wire/worded-refusal'
import { oneChunk } from '../../src/streams/bytes'

const UPSTREAM: Upstream = {
  name: 'relay',
  provider: openaiProvider,
  account: 0,
  credential: 'sk-upstream-secret',
  baseUrl: 'https://relay.example.com/v1',
  models: [],
  priority: 0,
  weight: 1,
  isFallback: false,
  timeoutMs: 60_000,
  prices: new Map(),
}

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

const envelope = (message: string, more: Record<string, unknown> = {}): unknown => ({
  error: { message, type: 'new_api_error', param: '', code: null, ...more },
})
const openai = (message: string, code: string | null = null, type = 'invalid_request_error'): unknown => ({
  error: { message, type, param: null, code },
})

type Row = [status: number, body: unknown, inShort: string]

const OF_OPENAI_AND_RELAYS: Row[] = [
  // The credential and its money, whatever the status.
  [401, openai('Incorrect API key provided.', 'invalid_api_key'), 'misconfigured'],
  [401, 'Unauthorized', 'misconfigured'],
  [402, '', 'misconfigured'],
  [429, openai('You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota'), 'misconfigured'],
  [400, openai('Billing hard limit has been reached.', 'billing_hard_limit_reached'), 'misconfigured'],
  [403, openai('Your account was deactivated.', 'account_deactivated'), 'misconfigured'],
  [403, envelope('用户额度不足, 剩余额度: $-0.000002 (request id: 2026)'), 'misconfigured'],
  [500, envelope('用户额度不足'), 'misconfigured'],
  [400, envelope('用户额度不足'), 'misconfigured'],
  [200, envelope('用户额度不足'), 'misconfigured'],
  [200, { error: '用户额度不足' }, 'misconfigured'],
  [200, { message: '余额不足' }, 'misconfigured'],
  [429, '用户额度不足', 'misconfigured'],
  [429, envelope('token quota is not enough, token remain quota: $0.01, need quota: $0.04'), 'misconfigured'],
  [500, envelope('user quota is not enough'), 'misconfigured'],
  [403, envelope('预扣费额度失败, 用户剩余额度: 0', { code: 'insufficient_user_quota' }), 'misconfigured'],
  [403, envelope('no', { code: 'pre_consume_token_quota_failed' }), 'misconfigured'],
  [403, envelope('[sk-abc***xyz] 该令牌额度已用尽'), 'misconfigured'],
  [403, openai('Your project was archived.'), 'misconfigured'],
  // A prompt that is repeated says nothing of the account.
  [400, openai("Invalid prompt: 'a sign that reads 用户额度不足'"), 'rejected'],
  [400, openai("Invalid prompt: 'insufficient balance'"), 'rejected'],
  [403, envelope("The prompt 'a sign of our organization, API key' was refused"), 'unavailable?'],
  [500, envelope('cannot draw "no available channel"'), 'unavailable'],
  // A 403 that does not speak of the credential.
  [403, 'error code: 1010', 'unavailable?'],
  [403, 'Request blocked by the firewall', 'unavailable?'],
  [403, '<!DOCTYPE html><title>Just a moment...</title>', 'unavailable?'],
  [401, '<html>Blocked</html>', 'unavailable?'],
  [403, '', 'unavailable?'],
  [403, { error: 'Request blocked by the firewall' }, 'unavailable?'],
  [403, envelope('Request blocked by the firewall: it mentions an api key'), 'unavailable?'],
  [403, envelope('No.'), 'unavailable?'],
  [403, envelope('Upstream answered with a Cloudflare challenge page, please retry'), 'unavailable'],
  [403, envelope('<html>Just a moment...</html>'), 'unavailable'],
  // The place of the gateway.
  [
    403,
    openai('Country, region, or territory not supported', 'unsupported_country_region_territory', 'request_forbidden'),
    'unavailable/place',
  ],
  [
    403,
    { code: 'unsupported_country_region_territory', message: 'No.', param: null, type: 'request_forbidden' },
    'unavailable/place',
  ],
  [
    500,
    envelope(
      'Upstream request failed: [unsupported_country_region_territory] Country, region, or territory not supported',
    ),
    'unavailable/place',
  ],
  // A limit.
  [429, openai('Rate limit reached. Please try again in 12s.', 'rate_limit_exceeded', 'requests'), 'throttled'],
  [
    429,
    openai(
      'Rate limit reached for gpt-image-2 on input-images per min: Limit 5, Requested 16.',
      'rate_limit_exceeded',
      'input-images',
    ),
    'rejected',
  ],
  [
    429,
    openai(
      'Request too large on tokens per min (TPM): Limit: 30000, Used: 0, Requested: 41000.',
      'rate_limit_exceeded',
      'tokens',
    ),
    'rejected',
  ],
  [
    429,
    openai('Limit 5, Used 5, Requested 1. Please try again in 12s.', 'rate_limit_exceeded', 'input-images'),
    'throttled',
  ],
  // The content.
  [
    400,
    openai('Your request was rejected by the safety system.', 'moderation_blocked', 'image_generation_user_error'),
    'content',
  ],
  [
    400,
    openai(
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      'content_filter',
    ),
    'content',
  ],
  [
    500,
    envelope("The response was filtered due to the prompt triggering Azure OpenAI's content management policy."),
    'content',
  ],
  [500, envelope('Gemini image generation blocked [IMAGE_SAFETY]: please modify your prompt'), 'content'],
  [400, envelope('The response is blocked, as it may violate our policies.'), 'content'],
  [
    403,
    {
      error: {
        code: 'Forbidden',
        message:
          'Your resource has been temporarily blocked because we detected behavior that may violate our content policy.',
      },
    },
    'unavailable?',
  ],
  // A model.
  [503, envelope('No available channel for model x', { code: 'model_not_found' }), 'misconfigured/model'],
  [
    500,
    envelope('not supported model for image generation, only imagen models are supported', {
      code: 'convert_request_failed',
    }),
    'misconfigured/model',
  ],
  [500, envelope('cannot read the size', { code: 'convert_request_failed' }), 'unavailable/request'],
  [404, openai('No such model.', 'model_not_found'), 'misconfigured/model'],
  [405, '', 'misconfigured/model'],
  // The request.
  [403, openai('You are not allowed to request logprobs.'), 'rejected'],
  [404, openai("Conversation with id 'conv_1' not found."), 'rejected'],
  [500, { error: { message: 'bad size', type: 'invalid_request_error', param: 'size', code: '' } }, 'rejected'],
  // Out of order, for now.
  [500, '', 'unavailable'],
  [302, '', 'unavailable'],
  [529, envelope('Overloaded'), 'unavailable'],
]

const OF_OPENROUTER: Row[] = [
  [
    400,
    {
      error: {
        code: 400,
        message: 'Provider returned error',
        metadata: {
          raw: '{"error":{"message":"Your request was rejected by the safety system.","code":"moderation_blocked"}}',
          provider_name: 'OpenAI',
        },
      },
    },
    'content',
  ],
  [
    400,
    {
      error: {
        code: 400,
        message: 'Provider returned error',
        metadata: { raw: 'at most 1 image per prompt', provider_name: 'Crucible' },
      },
    },
    'rejected',
  ],
  [
    200,
    {
      error: {
        code: 400,
        message: 'Provider returned error',
        metadata: { raw: '{"error":{"message":"bad size","param":"size"}}' },
      },
    },
    'rejected',
  ],
  [
    429,
    {
      error: {
        code: 429,
        message: 'Provider returned error',
        metadata: { raw: 'x is temporarily rate-limited upstream.', provider_name: 'BaseTen' },
      },
    },
    'throttled/model',
  ],
  [
    401,
    { error: { code: 401, message: 'Provider returned error', metadata: { raw: '', provider_name: 'OpenAI' } } },
    'misconfigured/model',
  ],
  [
    403,
    { error: { code: 403, message: 'Provider returned error', metadata: { provider_name: 'OpenAI' } } },
    'misconfigured/model',
  ],
  [200, { error: { code: 402, message: 'Insufficient credits' } }, 'misconfigured'],
  [200, { error: { code: 502, message: 'Provider returned error' } }, 'unavailable'],
]

const google = (status: string, message: string, ...details: unknown[]): unknown => ({
  error: { code: 400, message, status, details },
})
const quota = (quotaId: string): unknown => ({ '@type': 'google.rpc.QuotaFailure', violations: [{ quotaId }] })

const OF_GOOGLE: Row[] = [
  [400, google('INVALID_ARGUMENT', 'API key not valid.', { reason: 'API_KEY_INVALID' }), 'misconfigured'],
  [403, google('PERMISSION_DENIED', 'Your API key was reported as leaked.'), 'misconfigured'],
  [400, google('FAILED_PRECONDITION', 'User location is not supported for the API use.'), 'unavailable/place'],
  [400, google('FAILED_PRECONDITION', 'Enable billing on your project.'), 'misconfigured'],
  [
    429,
    google('RESOURCE_EXHAUSTED', 'You exceeded your current quota.', quota('GenerateRequestsPerDayPerProjectPerModel')),
    'throttled/model',
  ],
  [
    429,
    google('RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'),
    'throttled',
  ],
  [
    429,
    google(
      'RESOURCE_EXHAUSTED',
      '* Quota exceeded for metric: requests, limit: 0, model: gemini-3-pro',
      quota('PerModel-FreeTier'),
    ),
    'misconfigured/model',
  ],
  [400, google('INVALID_ARGUMENT', 'Bad ratio.'), 'rejected'],
  [503, google('UNAVAILABLE', 'The model is overloaded.'), 'unavailable'],
]

const fal = (type: string, more: Record<string, unknown> = {}): unknown => ({
  detail: [{ loc: ['body'], type, msg: 'No.', ...more }],
})

const OF_FAL: Row[] = [
  [422, fal('downstream_service_unavailable'), 'unavailable'],
  [422, fal('internal_server_error'), 'unavailable'],
  [422, { detail: 'Invalid status code: 503' }, 'unavailable'],
  [400, { detail: 'Runner disconnected', error_type: 'runner_disconnected' }, 'unavailable'],
  [422, fal('content_policy_violation'), 'content'],
  [422, fal('value_error'), 'rejected'],
  [403, { detail: 'User is locked. Reason: Exhausted balance.' }, 'misconfigured'],
  // A long value is repeated in front of the type.
  [
    422,
    {
      detail: [
        {
          input: `data:image/png;base64,${'A'.repeat(200_000)}`,
          loc: ['body', 'image_url'],
          type: 'content_policy_violation',
          msg: 'No.',
        },
      ],
    },
    'content',
  ],
  [
    422,
    {
      detail: [
        { input: { prompt: 'p'.repeat(100_000) }, loc: ['body'], type: 'downstream_service_unavailable', msg: 'No.' },
      ],
    },
    'unavailable',
  ],
]

describe.each<[string, ErrorReader, Row[]]>([
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
