import type { ImageRecord, StoredImage, Usage } from '../../image/record'
import type { ImageRequest } from '../../image/request'
import type { AnswerPart, RenderedAnswer, AnswerStream } from '../dialect'
import type { RenderContext } from '../render-context'
import { pictureFacts, epochSeconds, tokenDetails } from '../openai/answer'
import { openaiError } from '../openai/error'
import type { Operation, ImagesAnswerOptions } from './request'

/** Renders an answer as one object, with pictures under `b64_json`, `url` or both. */
export function renderImages(
  record: ImageRecord,
  { as }: ImagesAnswerOptions,
  { link, prompt }: RenderContext,
): RenderedAnswer {
  const head = { created: epochSeconds(record.createdMs), ...pictureFacts(record) }
  const parts: RenderedAnswer['parts'] = [`${JSON.stringify(head).slice(0, -1)},"data":[`]
  record.images.forEach((image, index) => {
    const rest = {
      ...(as === 'b64_json' ? {} : { url: link(image.key) }),
      // Some clients warn of a prompt that was not revised.
      ...revision(image.revisedPrompt ?? prompt),
    }
    const restText = JSON.stringify(rest).slice(1)
    parts.push(index > 0 ? ',{' : '{')
    if (as !== 'url') parts.push('"b64_json":"', image, restText === '}' ? '"' : '",')
    parts.push(restText)
  })
  parts.push(']', record.usage ? `,"usage":${JSON.stringify(imagesUsage(record.usage))}` : '', '}')
  return { contentType: 'application/json', parts }
}

const revision = (prompt: string | undefined): Record<string, string> => (prompt ? { revised_prompt: prompt } : {})

/** The prefix of a route's events; a client of generations with pictures expects no edit. */
const eventPrefix = (route: Operation): string => (route === 'generations' ? 'image_generation' : 'image_edit')

/** An event in the form of the API (protocols §1.6), with its picture. */
const imageEvent = (type: string, image: StoredImage, rest: Record<string, unknown>): AnswerPart[] => [
  `event: ${type}\ndata: {"type":"${type}","b64_json":"`,
  image,
  `",${JSON.stringify(rest).slice(1)}\n\n`,
]

/** One `completed` event for each picture; only the last one has the usage, so that a client's sum is right. */
function completedEvents(record: ImageRecord, route: Operation): AnswerPart[] {
  const none: Usage = { input: 0, inputDetails: { text: 0, image: 0 }, output: 0, total: 0 }
  return record.images.flatMap((image, index) => {
    const usage = index === record.images.length - 1 ? record.usage : none
    const rest = {
      created_at: epochSeconds(record.createdMs),
      ...pictureFacts(record),
      usage: usage && imagesUsage(usage),
    }
    return imageEvent(`${eventPrefix(route)}.completed`, image, rest)
  })
}

/** The answer as events: previews, then the pictures or a failure. */
export const streamImages = (request: ImageRequest, route: Operation, requestId: string): AnswerStream => ({
  contentType: 'text/event-stream',
  opening: () => '',
  idle: () => ': still working\n\n',
  partial: ({ image, partial }) =>
    imageEvent(`${eventPrefix(route)}.partial_image`, image, {
      partial_image_index: partial,
      created_at: epochSeconds(Date.now()),
      ...pictureFacts(request),
    }),
  close: (record) => completedEvents(record, route),
  failure: (failure) => `event: error\ndata: ${openaiError(failure, requestId).text}\n\n`,
})

const imagesUsage = ({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> => ({
  input_tokens: input,
  input_tokens_details: tokenDetails(inputDetails),
  output_tokens: output,
  output_tokens_details: tokenDetails(outputDetails),
  total_tokens: total,
})
