/** Writes one event as a line of JSON, which escapes whatever a client put into a value; no value may be a secret. */
export function log(event: string, facts: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ event, ...facts }))
}

/** What a log may say of an unexpected error: its name, message and stack, never the request it came from. */
export function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) }
  return { error: `${error.name}: ${error.message}`, stack: error.stack }
}
