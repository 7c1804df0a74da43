import type { AnswerRow } from './answers-of-relays'

const google = (status: string, message: string, ...details: unknown[]): unknown => ({
  error: { code: 400, message, status, details },
})
const quota = (quotaId: string): unknown => ({ '@type': 'google.rpc.QuotaFailure', violations: [{ quotaId }] })

export const OF_GOOGLE: AnswerRow[] = [
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

export const OF_FAL: AnswerRow[] = [
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
