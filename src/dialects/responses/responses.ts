import type { Dialect, TextRoute } from '../dialect'
import type { Failure } from '../../failures/errors'
import { invalidParameter } from '../../failures/parameters'
import { openaiError } from '../openai/error'
import { responsesVocabulary } from './vocabulary'
import { renderQueued, renderResponse } from './answer'
import { streamResponse } from './events'
import { parseResponse, type ResponsesAnswerOptions, responsesAnswerOptions } from './request'

/** OpenAI's Responses API with its tool for images (protocols §2.3). */
export const responses: Dialect<ResponsesAnswerOptions> = {
  id: 'responses',
  options: responsesAnswerOptions,
  text: { path: '/responses', limitedBy: ['max_output_tokens'], isText: isTextRequest, refusal: refuseBackground },
  parse: parseResponse,
  render: renderResponse,
  renderJob: renderQueued,
  stream: (request, options, context) => (options.stream ? streamResponse(request, options, context) : undefined),
  renderError: (failure, requestId, options) => openaiError(failure, requestId, responsesVocabulary(options)),
}

/** The ids of an upstream's responses name no team, so no client may ask for them later. */
function refuseBackground({ background }: Record<string, unknown>): Failure | undefined {
  return background ? NO_BACKGROUND_TEXT : undefined
}

const NO_BACKGROUND_TEXT = invalidParameter(
  'background',
  "Background responses of text models are not served here. Leave 'background' out, and read the answer as a stream.",
)

/** A text model answers any request that does not force the image tool. */
function isTextRequest(
  { model, tools, tool_choice }: Record<string, unknown>,
  isImageModel: Parameters<TextRoute['isText']>[1],
): boolean {
  if (typeof model !== 'string' || isImageModel(model)) return false
  return tool_choice === 'none' || !Array.isArray(tools) || tools.length === 0 || !tools.every(isImageTool)
}

const isImageTool = (tool: unknown): boolean =>
  typeof tool === 'object' && tool !== null && 'type' in tool && tool.type === 'image_generation'
