import type { Dialect } from '../dialect'
import { openaiError } from '../openai/error'
import { streamImages, renderImages } from './answer'
import { type Operation, parseImages, type ImagesAnswerOptions, imagesAnswerOptions } from './request'

/** OpenAI's Images API (protocols §1) with the parameters of relays' clients (protocols §7.6). */
const imagesDialect = (operation: Operation): Dialect<ImagesAnswerOptions> => ({
  id: `openai-images-${operation}`,
  options: imagesAnswerOptions,
  parse: (intake) => parseImages(intake, operation),
  render: renderImages,
  stream: (request, options, { requestId }) =>
    options.stream ? streamImages(request, operation, requestId) : undefined,
  renderError: (failure, requestId) => openaiError(failure, requestId),
})

export const imageGenerations = imagesDialect('generations')
export const imageEdits = imagesDialect('edits')
export const imageVariations = imagesDialect('variations')
