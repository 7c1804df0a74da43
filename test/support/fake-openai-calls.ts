import type { SentFile } from './fake-openai-request.ts'

/**
 * `answering` while the body is on its way; `aborted` once the caller has left; `refused:<status>:<code>` for an error
 * answer, asked for or deserved; `fault:<name>` for a spoilt answer.
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
  /** When it came, and when its answer was complete or its caller had left, in milliseconds. */
  at: number
  endedAt: number | undefined
  /** The parsed JSON body, or the form's text fields. */
  fields: Record<string, unknown>
  files: SentFile[]
  headers: Record<string, string>
  outcome: Outcome
  /** The tokens that its answer said were used. */
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

/** Notes that the caller has left, unless the answer was complete by then. */
export function leave(call: Call): void {
  if (call.outcome === 'pending' || call.outcome === 'answering') end(call, 'aborted')
}

/** Notes how an answer that was on its way ended. */
export function settle(call: Call, outcome: Outcome): void {
  if (call.outcome === 'answering') end(call, outcome)
}
