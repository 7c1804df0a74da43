import { redacted } from './redacted'

/** Writes an event as one line of JSON, which escapes clients' values. Values must not be secrets. */
export function log(event: string, facts: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ event, ...facts }))
}

/** The loggable facts of an unexpected error: name and message without secrets, and the calls that led to it. */
export function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: redacted(String(error)) }
  // The stack begins with the message, which may quote a body or a setting.
  const calls = error.stack?.split('\n').filter((line) => line.startsWith('    at '))
  return { error: redacted(`${error.name}: ${error.message}`), stack: calls?.join('\n') }
}
