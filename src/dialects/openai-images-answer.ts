import type { ImageRecord, StoredImage, Usage } from '../image/record'
import type { Rendered } from './dialect'
import type { Wants } from './openai-images-request'

/** What an answer says besides its pictures. */
const facts = ({ background, format, quality, size }: ImageRecord): Record<string, unknown> => ({
  background,
  output_format: format,
  quality,
  size,
})

/** Words an answer as one object, with every picture under `b64_json`, `url`, or both. */
export function whole(record: ImageRecord, { as }: Wants, link: (key: string) => string): Rendered {
  const head = { created: seconds(record), ...facts(record) }
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

/** One `completed` event for each picture; the last one tells the usage of all, so that a client's sum is right. */
export function events(record: ImageRecord): Rendered {
  const type = record.operation === 'edit' ? 'image_edit.completed' : 'image_generation.completed'
  const none: Usage = { input: 0, inputDetails: { text: 0, image: 0 }, output: 0, total: 0 }
  const frame = (image: StoredImage, index: number): Rendered['parts'] => {
    const usage = index === record.images.length - 1 ? record.usage : none
    const rest = { type, created_at: seconds(record), ...facts(record), usage: usage && usageOf(usage) }
    return [`event: ${type}\ndata: {"b64_json":"`, image, `",${JSON.stringify(rest).slice(1)}\n\n`]
  }
  return { contentType: 'text/event-stream', parts: record.images.flatMap(frame) }
}

const seconds = ({ createdMs }: ImageRecord): number => Math.floor(createdMs / 1000)

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
