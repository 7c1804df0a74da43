import type { ImageRecord, StoredImage, Usage } from '../../image/record'
import type { Part, Rendered, Stream } from '../dialect'
import type { RenderContext } from '../render-context'
import { messageOf } from './error'
import { FORMS, framed, messages } from './form'
import type { Wants } from './request'

/** Words an answer as one object, with a candidate for each picture. */
export function whole(record: ImageRecord, wants: Wants, occasion: RenderContext): Rendered {
  const candidates = record.images.map((image, index) => candidateOf(image, index, wants, occasion))
  return framed('object', [message(candidates, record, occasion, record.usage)])
}

/** The answer in messages: one for each picture, the last of which tells the usage of all (protocols §3.3). */
export const stream = (wants: Wants, occasion: RenderContext): Stream => ({
  contentType: FORMS[wants.as].contentType,
  opening: () => FORMS[wants.as].opening,
  idle: () => FORMS[wants.as].idle,
  partial: () => [],
  close: (record) => {
    const last = record.images.length - 1
    const each = record.images.map((image, index) =>
      message(
        [candidateOf(image, index, wants, occasion)],
        record,
        occasion,
        index === last ? record.usage : undefined,
      ),
    )
    return messages(wants.as, each)
  },
  failure: (failure) => messages(wants.as, [[messageOf(failure, occasion.requestId)]]).join(''),
})

function message(
  candidates: Part[][],
  record: ImageRecord,
  { requestId }: RenderContext,
  usage: Usage | undefined,
): Part[] {
  const rest = {
    ...(usage ? { usageMetadata: usageOf(usage) } : {}),
    modelVersion: record.model,
    responseId: requestId,
  }
  const listed = candidates.flatMap((parts, at) => (at > 0 ? [',', ...parts] : parts))
  return ['{"candidates":[', ...listed, `],${JSON.stringify(rest).slice(1)}`]
}

function candidateOf(
  { key, ...image }: StoredImage,
  index: number,
  { delivery }: Wants,
  { link }: RenderContext,
): Part[] {
  const mimeType = JSON.stringify(image.mediaType)
  const data: Part[] =
    delivery === 'URI'
      ? [`"fileData":{"mimeType":${mimeType},"fileUri":${JSON.stringify(link(key))}}`]
      : [`"inlineData":{"mimeType":${mimeType},"data":"`, { key, ...image }, '"}']
  return ['{"content":{"role":"model","parts":[{', ...data, `}]},"finishReason":"STOP","index":${index}}`]
}

const usageOf = ({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> => ({
  promptTokenCount: input,
  candidatesTokenCount: output,
  totalTokenCount: total,
  ...(inputDetails ? { promptTokensDetails: byModality(inputDetails) } : {}),
  ...(outputDetails ? { candidatesTokensDetails: byModality(outputDetails) } : {}),
})

const byModality = ({ text, image }: NonNullable<Usage['inputDetails']>): Record<string, unknown>[] =>
  [
    { modality: 'TEXT', tokenCount: text },
    { modality: 'IMAGE', tokenCount: image },
  ].filter(({ tokenCount }) => tokenCount > 0)
