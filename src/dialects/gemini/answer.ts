import type { ImageRecord, StoredImage, Usage } from '../../image/record'
import type { AnswerPart, RenderedAnswer, AnswerStream } from '../dialect'
import type { RenderContext } from '../render-context'
import { errorMessage } from './error'
import { FRAMINGS, framedAnswer, framedMessages } from './framing'
import type { GeminiAnswerOptions } from './request'

/** Renders an answer as one object with a candidate for each picture. */
export function renderContent(
  record: ImageRecord,
  options: GeminiAnswerOptions,
  context: RenderContext,
): RenderedAnswer {
  const candidates = record.images.map((image, index) => candidateOf(image, index, options, context))
  return framedAnswer('object', [contentMessage(candidates, record, context, record.usage)])
}

/** The answer in messages, one for each picture; the last one has the usage of all (protocols §3.3). */
export const streamContent = (options: GeminiAnswerOptions, context: RenderContext): AnswerStream => ({
  contentType: FRAMINGS[options.as].contentType,
  opening: () => FRAMINGS[options.as].opening,
  idle: () => FRAMINGS[options.as].idle,
  partial: () => [],
  close: (record) => {
    const last = record.images.length - 1
    const each = record.images.map((image, index) =>
      contentMessage(
        [candidateOf(image, index, options, context)],
        record,
        context,
        index === last ? record.usage : undefined,
      ),
    )
    return framedMessages(options.as, each)
  },
  failure: (failure) => framedMessages(options.as, [[errorMessage(failure, context.requestId, options)]]).join(''),
})

function contentMessage(
  candidates: AnswerPart[][],
  record: ImageRecord,
  { requestId }: RenderContext,
  usage: Usage | undefined,
): AnswerPart[] {
  const rest = {
    ...(usage ? { usageMetadata: usageMetadata(usage) } : {}),
    modelVersion: record.model,
    responseId: requestId,
  }
  const listed = candidates.flatMap((parts, at) => (at > 0 ? [',', ...parts] : parts))
  return ['{"candidates":[', ...listed, `],${JSON.stringify(rest).slice(1)}`]
}

function candidateOf(
  { key, ...image }: StoredImage,
  index: number,
  { delivery }: GeminiAnswerOptions,
  { link }: RenderContext,
): AnswerPart[] {
  const mimeType = JSON.stringify(image.mediaType)
  const data: AnswerPart[] =
    delivery === 'URI'
      ? [`"fileData":{"mimeType":${mimeType},"fileUri":${JSON.stringify(link(key))}}`]
      : [`"inlineData":{"mimeType":${mimeType},"data":"`, { key, ...image }, '"}']
  return ['{"content":{"role":"model","parts":[{', ...data, `}]},"finishReason":"STOP","index":${index}}`]
}

const usageMetadata = ({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> => ({
  promptTokenCount: input,
  candidatesTokenCount: output,
  totalTokenCount: total,
  ...(inputDetails ? { promptTokensDetails: byModality(inputDetails) } : {}),
  ...(outputDetails ? { candidatesTokensDetails: byModality(outputDetails) } : {}),
})

/** Tokens as the API lists them. */
export const byModality = ({ text, image }: NonNullable<Usage['inputDetails']>): Record<string, unknown>[] =>
  [
    { modality: 'TEXT', tokenCount: text },
    { modality: 'IMAGE', tokenCount: image },
  ].filter(({ tokenCount }) => tokenCount > 0)
