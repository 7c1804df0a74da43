import type { Dialect } from '../dialect'
import { openrouterError } from '../openrouter/error'
import { streamOpenrouterImages, renderOpenrouterImages } from './answer'
import { parseOpenrouter, type OpenrouterAnswerOptions, openrouterAnswerOptions } from './request'
import { openrouterVocabulary } from './vocabulary'

/** OpenRouter's images API (protocols §2.2), one route for new and edited pictures. */
export const openrouterImages: Dialect<OpenrouterAnswerOptions> = {
  id: 'openrouter-images',
  options: openrouterAnswerOptions,
  parse: parseOpenrouter,
  render: renderOpenrouterImages,
  stream: (_, options, { requestId }) =>
    options.stream ? streamOpenrouterImages(requestId, openrouterVocabulary(options)) : undefined,
  renderError: (failure, requestId, options) => openrouterError(failure, requestId, openrouterVocabulary(options)),
}
