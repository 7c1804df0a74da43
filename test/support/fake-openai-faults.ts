import { type Refusal, invalidRequest } from './fake-openai-request.ts'
import { userError } from './fake-openai-values.ts'

/** Faults that spoil a good answer, or keep it back. */
const OTHERS = [
  'html',
  'redirect',
  'silence',
  'cut',
  'cut-second',
  'cut-partial',
  'silence-mid-body',
  'silence-second',
  'silence-after-image',
  'bad-base64',
  'bad-partial',
  'not-an-image',
  'empty',
]

export const isFault = (name: string): boolean => OTHERS.includes(name) || Object.hasOwn(REFUSALS, name)

/** Faults that are an error answer in OpenAI's envelope. */
export function refusalOf(fault: string, apiKey: string): Refusal | undefined {
  return Object.hasOwn(REFUSALS, fault) ? REFUSALS[fault]?.(apiKey) : undefined
}

/** Faults that are answers of a proxy in between, such as a CDN. */
export function oddAnswerOf(fault: string): Response | undefined {
  if (fault === 'html') {
    const page = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking.</body></html>'
    return new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
  }
  if (fault === 'redirect') {
    return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/v1/images/generations' } })
  }
  return undefined
}

export const wrongKey = (key: string): Refusal => ({
  ...invalidRequest(
    'invalid_api_key',
    null,
    `Incorrect API key provided: ${masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
  ),
  status: 401,
})

export const noKey: Refusal = {
  ...invalidRequest(
    null,
    null,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).',
  ),
  status: 401,
}

const masked = (key: string): string =>
  key.length < 10 ? '*'.repeat(key.length) : `${key.slice(0, 5)}***${key.slice(-2)}`

const error = (status: number, type: string, code: string | null, message: string): Refusal => ({
  status,
  type,
  code,
  param: null,
  message,
})

const rateLimited = (wait: string): Refusal =>
  error(
    429,
    'input-images',
    'rate_limit_exceeded',
    'Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-upstream on input-images per min: ' +
      `Limit 5, Used 5, Requested 1. Please try again in ${wait}.`,
  )

const SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!'

const REFUSALS: Record<string, (apiKey: string) => Refusal> = {
  '401': wrongKey,
  '403': () =>
    error(
      403,
      'invalid_request_error',
      null,
      'Your organization must be verified to use the model `gpt-image-2`. Please go to: ' +
        'https://platform.openai.com/settings/organization/general and click on Verify Organization.',
    ),
  '422': () => error(422, 'invalid_request_error', 'unprocessable_entity', 'The request could not be processed.'),
  '429': () => ({ ...rateLimited('1.5s'), headers: { 'retry-after-ms': '1500', 'retry-after': '2' } }),
  '429-text': () => rateLimited('12s'),
  '500': () => error(500, 'server_error', null, SERVER_ERROR),
  '503': () =>
    error(
      503,
      'service_unavailable_error',
      'server_is_overloaded',
      'The engine is currently overloaded, please try again later.',
    ),
  quota: () =>
    error(
      429,
      'insufficient_quota',
      'insufficient_quota',
      'You exceeded your current quota, please check your plan and billing details.',
    ),
  billing: () => invalidRequest('billing_hard_limit_reached', null, 'Billing hard limit has been reached.'),
  moderation: () => ({
    ...userError(
      'moderation_blocked',
      null,
      'Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com ' +
        'and include the request ID req_0123456789abcdef. safety_violations=[violence].',
    ),
    details: { moderation_details: { moderation_stage: 'input', categories: ['violence'] } },
  }),
  'error-inside': () => error(200, 'server_error', null, SERVER_ERROR),
  leak: (apiKey) =>
    invalidRequest('invalid_value', 'prompt', `Invalid value for organization org-secret123 with the key ${apiKey}.`),
}
