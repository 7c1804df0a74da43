import type { HonoRequest } from 'hono'

/** The API key where only Google's clients put it. */
export const keyOfGoogle = (request: HonoRequest): string | undefined =>
  request.header('x-goog-api-key') ?? request.query('key')
