import type { ImageRecord, StoredImage, Usage } from '../image/record'
import type { ImageRequest } from '../image/request'
import type { Beginning, Part, Rendered } from './dialect'
import type { Operation, Wants } from './openai-images-request'

/** What an answer says besides its pictures. */
const facts = ({
  background,
  format,
  quality,
  size,
}: Pick<ImageRecord, 'background' | 'format' | 'quality' | 'size'>): Record<string, unknown> => ({
  background,
  output_format: format,
  quality,
  size,
})

/** Words an answer as one object, with every picture under `b64_json`, `url`, or both. */
export function whole(record: ImageRecord, { as }: Wants, link: (key: string) => string): Rendered {
  const head = { created: seconds(record.createdMs), ...facts(record) }
  const parts: Rendered['parts'] = [`${JSON.stringify(head).slice(0, -1)},"data":[`]
  record.images.forEach((image, index) => {
    const rest = {
      ...(as === 'b64_json' ? {} : { url: link(image.key) }),
      ...(image.revisedPrompt ? { revised_prompt: image.revisedPrompt } : {}),
    }
    const restText = JSON.stringify(rest).slice(1)
    parts.push(index > 0 ? ',{' : '{')
    if (as !== 'url') parts.push('"b64_json":"', image, restText === '}' ? '"' : '",')
    parts.push(restText)
  })
  parts.push(']', record.usage ? `,"usage":${JSON.stringify(usageOf(record.usage))}` : '', '}')
  return { contentType: 'application/json', parts }
}

const EVENT_STREAM = 'text/event-stream'

/** What the events of a route are called; a generation with pictures is an edit, but its client knows nothing of that. */
const nameOf = (route: Operation): string => (route === 'generations' ? 'image_generation' : 'image_edit')

/** An event as the API writes it (protocols §1.6): its picture, and what else there is to be said. */
const frame = (type: string, image: StoredImage, rest: Record<string, unknown>): Part[] => [
  `event: ${type}\ndata: {"type":"${type}","b64_json":"`,
  image,
  `",${JSON.stringify(rest).slice(1)}\n\n`,
]

/** One `completed` event for each picture; the last one tells the usage of all, so that a client's sum is right. */
export function events(record: ImageRecord, route: Operation): Rendered {
  const none: Usage = { input: 0, inputDetails: { text: 0, image: 0 }, output: 0, total: 0 }
  const completed = (image: StoredImage, index: number): Part[] => {
    const usage = index === record.images.length - 1 ? record.usage : none
    const rest = { created_at: seconds(record.createdMs), ...facts(record), usage: usage && usageOf(usage) }
    return frame(`${nameOf(route)}.completed`, image, rest)
  }
  return { contentType: EVENT_STREAM, parts: record.images.flatMap(completed) }
}

/** A stream that begins before the answer is there: with comments, previews, and perhaps a failure. */
export const stream = (request: ImageRequest, route: Operation): Beginning => ({
  contentType: EVENT_STREAM,
  filler: ': still working\n\n',
  stream: {
    partial: ({ image, partial }) =>
      frame(`${nameOf(route)}.partial_image`, image, {
        partial_image_index: partial,
        created_at: seconds(Date.now()),
        ...facts(request),
      }),
    failure: ({ body }) => `event: error\ndata: ${JSON.stringify(body)}\n\n`,
  },
})

const seconds = (ms: number): number => Math.floor(ms / 1000)

function usageOf({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> {
  const details = (counts: Usage['inputDetails']): Record<string, number> | undefined =>
    counts && { text_tokens: counts.text, image_tokens: counts.image }
  return {
    input_tokens: input,
    input_tokens_details: details(inputDetails),
    output_tokens: output,
    output_tokens_details: details(outputDetails),
    total_tokens: total,
  }
}
