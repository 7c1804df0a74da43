import type { SentFile } from './fake-openai-request.ts'

/**
 * `answering` during the body, and `aborted` after the caller has left. `refused:<status>:<code>` for an error answer,
 * ordered or deserved, and `fault:<name>` for a spoilt answer.
 */
export type Outcome =
  | 'pending'
  | 'answering'
  | 'answered'
  | 'aborted'
  | `refused:${number}:${string}`
  | `fault:${string}`

/** One request, in plain data. */
export interface Call {
  method: string
  path: string
  /** The time of its arrival, and of its complete answer or the caller's leave, in milliseconds. */
  at: number
  endedAt: number | undefined
  /** The parsed JSON body, or the form's text fields. */
  fields: Record<string, unknown>
  files: SentFile[]
  headers: Record<string, string>
  outcome: Outcome
  /** The usage in its answer. */
  tokens: { input: number; output: number }
}

export const callOf = (request: Request): Call => ({
  method: request.method,
  path: new URL(request.url).pathname,
  at: Date.now(),
  endedAt: undefined,
  fields: {},
  files: [],
  headers: Object.fromEntries(request.headers),
  outcome: 'pending',
  tokens: { input: 0, output: 0 },
})

export function end(call: Call, outcome: Outcome): void {
  call.outcome = outcome
  call.endedAt = Date.now()
}

/** Records the caller's leave, unless the answer was complete by then. */
export function leave(call: Call): void {
  if (call.outcome === 'pending' || call.outcome === 'answering') end(call, 'aborted')
}

/** Records the end of an answer in progress. */
export function settle(call: Call, outcome: Outcome): void {
  if (call.outcome === 'answering') end(call, outcome)
}
