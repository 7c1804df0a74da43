import type { Context } from 'hono'
import type { App } from '../../context'
import { bearerToken } from '../../credentials/caller'
import type { Dialect } from '../dialect'
import { streamContent, renderContent } from './answer'
import { geminiError } from './error'
import { parse, type GeminiAnswerOptions, geminiAnswerOptions } from './request'

/** The key where Google's clients put it. */
const googleKey = (c: Context<App>): string | undefined => c.req.header('x-goog-api-key') ?? c.req.query('key')

/** Whether a request to a path that others have as well comes from one of Google's clients. */
export const speaksGemini = (c: Context<App>): boolean =>
  c.req.path.startsWith('/v1beta/') || googleKey(c) !== undefined

/** The key of a request to the API: Google's way, or as everywhere else. */
export const geminiKey = (c: Context<App>): string | undefined =>
  googleKey(c) ?? bearerToken(c.req.header('authorization'))

/** Google's Gemini API, as far as it makes images (protocols §3). */
export const gemini: Dialect<GeminiAnswerOptions> = {
  id: 'gemini',
  options: geminiAnswerOptions,
  apiKey: geminiKey,
  parse,
  render: renderContent,
  stream: (_, options, context) => (options.as === 'object' ? undefined : streamContent(options, context)),
  renderError: geminiError,
}
