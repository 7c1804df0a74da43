/** The failures of a family of wire formats: the status, and words of the body. */
export type ExpectedFailure = readonly [status: number, words: string]

export interface Failures {
  moderated: ExpectedFailure
  limited: ExpectedFailure
  down: ExpectedFailure
  bad: ExpectedFailure
}

export const OPENAI: Failures = {
  moderated: [400, '"code":"moderation_blocked"'],
  limited: [429, '"code":"rate_limit_exceeded"'],
  down: [502, '"type":"server_error"'],
  bad: [400, '"type":"invalid_request_error"'],
}
export const OPENROUTER: Failures = {
  moderated: [403, '"error":{"code":403'],
  limited: [429, '"error":{"code":429'],
  down: [502, '"error":{"code":502'],
  bad: [400, '"error":{"code":400'],
}
export const GEMINI: Failures = {
  moderated: [200, '"blockReason":"'],
  limited: [429, '"status":"RESOURCE_EXHAUSTED"'],
  down: [502, '"status":"UNAVAILABLE"'],
  bad: [400, '"status":"INVALID_ARGUMENT"'],
}
export const GRSAI: Failures = {
  moderated: [200, '"failure_reason":"input_moderation"'],
  limited: [200, '"code":-1'],
  down: [200, '"failure_reason":"error"'],
  bad: [200, '"code":-1'],
}
export const GRSAI_NEW: Failures = {
  moderated: [200, '"status":"violation"'],
  limited: [429, '"status":"failed"'],
  down: [200, '"status":"failed"'],
  bad: [400, '"status":"failed"'],
}
