/** An answer, and its class in short: `kind`, `kind/scope`, and `?` without an explanation. */
export type AnswerRow = [status: number, body: unknown, inShort: string]

export const envelope = (message: string, more: Record<string, unknown> = {}): unknown => ({
  error: { message, type: 'new_api_error', param: '', code: null, ...more },
})
const openai = (message: string, code: string | null = null, type = 'invalid_request_error'): unknown => ({
  error: { message, type, param: null, code },
})

export const OF_OPENAI_AND_RELAYS: AnswerRow[] = [
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

export const OF_OPENROUTER: AnswerRow[] = [
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
