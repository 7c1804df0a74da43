import type { ImageRecord, StoredImage } from '../../image/record'
import type { Vocabulary } from '../../failures/vocabulary'
import type { AnswerPart, RenderedAnswer, AnswerStream } from '../dialect'
import { epochSeconds } from '../openai/answer'
import { openrouterErrorEvent } from '../openrouter/error'
import { openrouterUsage } from '../openrouter/usage'

/** Renders an answer as one object. */
export function renderOpenrouterImages(record: ImageRecord): RenderedAnswer {
  const parts: AnswerPart[] = [`{"created":${epochSeconds(record.createdMs)},"data":[`]
  record.images.forEach((image, index) => {
    parts.push(index > 0 ? ',{"b64_json":"' : '{"b64_json":"', image, `","media_type":"${image.mediaType}"}`)
  })
  const usage = openrouterUsage(record)
  parts.push(usage ? `],"usage":${JSON.stringify(usage)}}` : ']}')
  return { contentType: 'application/json', parts }
}

/** The answer as events: previews, then the pictures or a failure. */
export const streamOpenrouterImages = (requestId: string, vocabulary: Vocabulary): AnswerStream => ({
  contentType: 'text/event-stream',
  opening: () => '',
  idle: () => ': still working\n\n',
  partial: ({ image, partial }) => openrouterEvent('partial_image', image, { partial_image_index: partial }),
  close: (record) => [...completedEvents(record), END_OF_STREAM],
  failure: (failure) =>
    `data: ${JSON.stringify(openrouterErrorEvent(failure, requestId, vocabulary))}\n\n${END_OF_STREAM}`,
})

/** The SDK stops here, or at the end of the stream. */
const END_OF_STREAM = 'data: [DONE]\n\n'

const openrouterEvent = (event: string, image: StoredImage, rest: Record<string, unknown>): AnswerPart[] => [
  `data: {"type":"image_generation.${event}","b64_json":"`,
  image,
  `",${JSON.stringify(rest).slice(1)}\n\n`,
]

/** One event for each picture; the last one has the usage of all. */
const completedEvents = (record: ImageRecord): AnswerPart[] =>
  record.images.flatMap((image, index) => {
    const usage = index === record.images.length - 1 ? openrouterUsage(record) : undefined
    return openrouterEvent('completed', image, {
      created: epochSeconds(record.createdMs),
      media_type: image.mediaType,
      usage,
    })
  })
