import type { Dialect } from '../dialect'
import { streamContent, renderContent } from './answer'
import { geminiError } from './error'
import { parseGemini, type GeminiAnswerOptions, geminiAnswerOptions } from './request'

/** Google's Gemini API for images (protocols §3). */
export const gemini: Dialect<GeminiAnswerOptions> = {
  id: 'gemini',
  options: geminiAnswerOptions,
  parse: parseGemini,
  render: renderContent,
  stream: (_, options, context) => (options.as === 'object' ? undefined : streamContent(options, context)),
  renderError: geminiError,
}
