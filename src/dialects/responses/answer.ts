import type { ImageRecord, StoredImage, Usage } from '../../image/record'
import type { AnswerPart, RenderedAnswer } from '../dialect'
import type { RenderContext } from '../render-context'
import { pictureFacts, epochSeconds } from '../openai/answer'
import { type AnswerIds, answerIds } from './pictures'
import type { ResponsesAnswerOptions } from './request'

/** The text of values with a picture, with the picture as a part of its own. */
export function partsWithPicture(
  picture: StoredImage,
  write: (json: (value: unknown) => string) => string,
): AnswerPart[] {
  const mark = crypto.randomUUID()
  const json = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (inner === picture ? mark : inner))
  return write(json)
    .split(mark)
    .flatMap((text, at) => (at === 0 ? [text] : [picture, text]))
}

/** The single picture of an answer; a successful generation always has one. */
export function onlyPicture({ id, images: [picture] }: ImageRecord): StoredImage {
  if (!picture) throw new Error(`the generation ${id} has no picture`)
  return picture
}

export const IMAGE_CALL = 'image_generation_call'

/** The tool call as an item of the output. */
export function imageCall({ call: id }: AnswerIds, record: ImageRecord): Record<string, unknown> {
  const result = onlyPicture(record)
  const { revisedPrompt: revised_prompt } = result
  return {
    id,
    type: IMAGE_CALL,
    status: 'completed',
    result,
    action: record.operation,
    revised_prompt,
    ...pictureFacts(record),
  }
}

/** The part of a message without words. */
export const EMPTY_TEXT = { type: 'output_text', text: '', annotations: [], logprobs: [] }

/** The message that ends the model's turn; agents ask again without one. */
export const closingMessage = ({ message: id }: AnswerIds): Record<string, unknown> => ({
  id,
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [EMPTY_TEXT],
})

/** The fields of every response, in whatever state. */
export const responseHead = (
  id: string,
  state: { status: string; error?: unknown; completed_at?: number; usage?: unknown },
  { repeated }: ResponsesAnswerOptions,
  { startedMs }: RenderContext,
): Record<string, unknown> => ({
  id,
  object: 'response',
  created_at: epochSeconds(startedMs),
  completed_at: null,
  error: null,
  incomplete_details: null,
  access_programs: null,
  usage: null,
  ...repeated,
  ...state,
})

/** A finished response. */
export function finishedResponse(
  names: AnswerIds,
  record: ImageRecord,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Record<string, unknown> {
  // A cached picture is older than its request.
  const completed_at = epochSeconds(Math.max(record.createdMs, context.startedMs))
  const usage = record.usage ? responseUsage(record.usage) : null
  const state = { status: 'completed', completed_at, usage }
  const output = [imageCall(names, record), closingMessage(names)]
  return { ...responseHead(names.response, state, options, context), output }
}

/** Renders an answer as one response. */
export function renderResponse(
  record: ImageRecord,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): RenderedAnswer {
  const picture = onlyPicture(record)
  const response = finishedResponse(answerIds(context.reference(picture.key)), record, options, context)
  return { contentType: 'application/json', parts: partsWithPicture(picture, (json) => json(response)) }
}

/** A background response at its beginning. A picture that exists gives it its id. */
export const renderQueued = (
  context: RenderContext,
  options: ResponsesAnswerOptions,
  record: ImageRecord | undefined,
): Record<string, unknown> => {
  const { response } = answerIds(context.reference(record && onlyPicture(record).key))
  return { ...responseHead(response, { status: 'queued' }, options, context), output: [] }
}

/** The tokens of the image model in the fields for a text model, which takes no part. */
const responseUsage = ({ input, output, total }: Usage): Record<string, unknown> => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: total,
})
