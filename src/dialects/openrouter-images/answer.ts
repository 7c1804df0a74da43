import { inUsd } from '../../catalog/money'
import type { ImageRecord, StoredImage } from '../../image/record'
import type { Vocabulary } from '../../refusals/vocabulary'
import type { AnswerPart, RenderedAnswer, AnswerStream } from '../dialect'
import { openrouterErrorEvent } from '../openrouter/error'

/** Renders an answer as one object. */
export function renderOpenrouterImages(record: ImageRecord): RenderedAnswer {
  const parts: AnswerPart[] = [`{"created":${createdOf(record)},"data":[`]
  record.images.forEach((image, index) => {
    parts.push(index > 0 ? ',{"b64_json":"' : '{"b64_json":"', image, `","media_type":"${image.mediaType}"}`)
  })
  const usage = usageOf(record)
  parts.push(usage ? `],"usage":${JSON.stringify(usage)}}` : ']}')
  return { contentType: 'application/json', parts }
}

/** The answer as events: previews, then the pictures or a failure. */
export const streamOpenrouterImages = (requestId: string, vocabulary: Vocabulary): AnswerStream => ({
  contentType: 'text/event-stream',
  opening: () => '',
  idle: () => ': still working\n\n',
  partial: ({ image, partial }) => frame('partial_image', image, { partial_image_index: partial }),
  close: (record) => [...completed(record), DONE],
  failure: (failure) => `data: ${JSON.stringify(openrouterErrorEvent(failure, requestId, vocabulary))}\n\n${DONE}`,
})

/** The SDK stops here, or at the end of the stream. */
const DONE = 'data: [DONE]\n\n'

const frame = (event: string, image: StoredImage, rest: Record<string, unknown>): AnswerPart[] => [
  `data: {"type":"image_generation.${event}","b64_json":"`,
  image,
  `",${JSON.stringify(rest).slice(1)}\n\n`,
]

/** One event for each picture; the last one has the usage of all. */
const completed = (record: ImageRecord): AnswerPart[] =>
  record.images.flatMap((image, index) => {
    const usage = index === record.images.length - 1 ? usageOf(record) : undefined
    return frame('completed', image, { created: createdOf(record), media_type: image.mediaType, usage })
  })

const createdOf = ({ createdMs }: ImageRecord): number => Math.floor(createdMs / 1000)

/** Tokens and cost in USD; a model with a price per image has no tokens. */
function usageOf({ usage, cost }: ImageRecord): Record<string, unknown> | undefined {
  if (!usage && cost === undefined) return undefined
  return {
    prompt_tokens: usage?.input ?? 0,
    completion_tokens: usage?.output ?? 0,
    total_tokens: usage?.total ?? 0,
    completion_tokens_details: usage?.outputDetails && { image_tokens: usage.outputDetails.image },
    cost: cost === undefined ? undefined : inUsd(cost),
  }
}
