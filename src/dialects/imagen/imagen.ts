import type { Failure } from '../../failures/errors'
import { failureInWords } from '../../failures/words'
import type { ImageRecord } from '../../image/record'
import { type AnswerPart, type Dialect, type RenderedAnswer, type RenderedError, renderedJson } from '../dialect'
import { googleFailure } from '../google/error'
import { type ImagenAnswerOptions, imagenAnswerOptions, parseImagen } from './request'
import { IMAGEN_VOCABULARY } from './vocabulary'

/** Imagen's method `predict` on the paths of the Gemini API and of Vertex (protocols §3.6). */
export const imagen: Dialect<ImagenAnswerOptions> = {
  id: 'imagen',
  options: imagenAnswerOptions,
  parse: parseImagen,
  render: renderPredictions,
  renderError: imagenError,
}

/** Renders an answer as a list with an entry for each picture. */
function renderPredictions({ images }: ImageRecord): RenderedAnswer {
  const entries = images.map(({ revisedPrompt, ...image }, index): AnswerPart[] => {
    const { mediaType } = image
    const facts = JSON.stringify({ mimeType: mediaType, ...(revisedPrompt ? { prompt: revisedPrompt } : {}) })
    return [`${index > 0 ? ',' : ''}${facts.slice(0, -1)},"bytesBase64Encoded":"`, image, '"}']
  })
  return { contentType: 'application/json', parts: ['{"predictions":[', ...entries.flat(), ']}'] }
}

/** A failure in Google's envelope. With `includeRaiReason`, refused content is an answer with the reason. */
function imagenError(failure: Failure, requestId: string, options?: ImagenAnswerOptions): RenderedError {
  const words = failureInWords(failure, IMAGEN_VOCABULARY)
  return words.code === 'content_rejected' && options?.includeRaiReason
    ? renderedJson(200, { predictions: [{ raiFilteredReason: words.message }] })
    : googleFailure(words, requestId)
}
