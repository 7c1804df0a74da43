/** Writes an event as one line of JSON, which escapes clients' values. Values must not be secrets. */
export function log(event: string, facts: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ event, ...facts }))
}

/** The loggable facts of an unexpected error: name, message and stack. */
export function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) }
  return { error: `${error.name}: ${error.message}`, stack: error.stack }
}
